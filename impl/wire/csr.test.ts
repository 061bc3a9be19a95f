import 'reflect-metadata'
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import { test } from 'tap'
import { createCsr } from './csr.ts'

test('NT-ISSUE-025 a CSR is what another implementation reads it as, with a common name only where it fits', async (t) => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const label = (length: number): string => 'p'.padEnd(length, 'a')
  const cases: [string, typeof ec, readonly string[]][] = [
    ['P-256', ec, ['a.example', 'b.example']],
    ['RSA', rsa, ['a.example']],
    ['first name of 64 bytes', ec, [`${label(56)}.example`, 'b.example']],
    ['first name of 65 bytes', ec, [`${label(57)}.example`, 'b.example']],
    ['lengths of one byte', ec, ['a.b', 'c.d']],
    ['lengths of two bytes', ec, Array.from({ length: 17 }, (_, index) => `${index}.example`)],
    ['lengths of three bytes', ec, Array.from({ length: 100 }, () => `${label(63)}.example`)],
  ]
  for (const [title, key, names] of cases) {
    const csr = new Pkcs10CertificateRequest(Uint8Array.from(createCsr(key, names)))
    t.ok(await csr.verify(webcrypto), title)
    const [first = ''] = names
    const fits = first.length <= 64
    t.same(csr.subjectName.getField('CN'), fits ? [first] : [], title)
    const [extension, ...others] = csr.extensions
    t.ok(extension instanceof SubjectAlternativeNameExtension && others.length === 0, title)
    t.equal(extension?.critical, !fits, title)
    const items = (extension as SubjectAlternativeNameExtension).names.items
    t.same(
      items.map(({ type, value }) => `${type} ${value}`),
      names.map((name) => `dns ${name}`),
    )
    t.ok(
      createPublicKey({
        key: Buffer.from(csr.publicKey.rawData),
        format: 'der',
        type: 'spki',
      }).equals(createPublicKey(key)),
      title,
    )
  }
})
