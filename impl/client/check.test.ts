// Certificate requests, what is checked of the certificate that comes, and how it is kept.
import 'reflect-metadata'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as x509 from '@peculiar/x509'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { createPrivateKey, webcrypto } from 'node:crypto'
import { test } from 'tap'
import { id0Name } from '../wire/names.ts'
import { CertificateStore } from './certificate-store.ts'
import { checkCertificate, type CertificateParts } from './check.ts'
import { createCertificateKey, createCertificateRequest } from './request.ts'
import {
  createAuthority,
  createKeys,
  DAY_MS,
  privateKeyPem,
  silentLogger,
  ZONE,
} from './testing.ts'

const authority = await createAuthority()
const stranger = await createAuthority('Stranger')
const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const ID_NAME = id0Name(self.toMultihash().bytes, ZONE)
const ADDRESS_NAME = `ip4203-0-113-7.${ZONE}`
const keys = await createKeys()
const key = await privateKeyPem(keys)
const leaf = await authority.sign({ names: [ID_NAME, ADDRESS_NAME], publicKey: keys.publicKey })
const good: CertificateParts = {
  chain: leaf + authority.intermediate,
  keys: [key],
  zone: ZONE,
  idName: ID_NAME,
  addressNames: [ADDRESS_NAME],
  claimedNames: [ADDRESS_NAME],
  now: Date.now(),
}

test('NT-ISSUE-023 NT-ISSUE-025 a request has exactly our names, signed with our P-256 key', async (t) => {
  const cases: [string, string | undefined][] = [
    // 64 bytes, and 65.
    [`p${'a'.repeat(59)}.abc`, `CN=p${'a'.repeat(59)}.abc`],
    [`p${'a'.repeat(59)}.abcd`, undefined],
    [`p${'a'.repeat(59)}.a-long-zone.example`, undefined],
  ]
  for (const [idName, subject] of cases) {
    const pem = await createCertificateKey()
    const request = new x509.Pkcs10CertificateRequest(
      createCertificateRequest(pem, [idName, ADDRESS_NAME]),
    )
    t.ok(await request.verify(webcrypto), 'signature')
    t.match(request.publicKey.algorithm, { name: 'ECDSA', namedCurve: 'P-256' })
    t.equal(request.subject, subject ?? '', idName)
    const names = new x509.SubjectAlternativeNameExtension(
      request.getExtension('2.5.29.17')?.rawData ?? new ArrayBuffer(),
    )
    t.same(
      names.names.items.map(({ type, value }) => `${type} ${value}`),
      [`dns ${idName}`, `dns ${ADDRESS_NAME}`],
    )
    t.equal(names.critical, subject === undefined)
  }
})

test('NT-CLIENT-008 a good certificate is read', async (t) => {
  const certificate = checkCertificate(good)
  t.same(certificate.names, [ID_NAME, ADDRESS_NAME])
  t.equal(certificate.key, key)
  t.equal(certificate.issuer, 'CN=Test Intermediate')
  t.equal(certificate.chain.match(/BEGIN/g)?.length, 2)
  t.match(certificate.serial, /^[0-9a-f]+$/)
  t.ok(certificate.notAfter > Date.now() && certificate.notBefore < Date.now())
  t.equal(checkCertificate({ ...good, keys: ['nonsense', key] }).key, key, 'the key that fits')
  t.ok(checkCertificate({ ...good, chain: leaf }), 'a chain of one')
  t.ok(checkCertificate({ ...good, chain: `text\r\n${leaf}` }), 'text around')
})

test('NT-CLIENT-008 each flaw is found', async (t) => {
  const wildcard = await authority.sign({ names: [`*.${ZONE}`], publicKey: keys.publicKey })
  const misnamed = await authority.sign({
    names: [ID_NAME, ADDRESS_NAME],
    publicKey: keys.publicKey,
    issuer: 'CN=Somebody',
  })
  const cases: [string, Partial<CertificateParts>, RegExp][] = [
    ['key', { keys: [await createCertificateKey()] }, /another key/],
    ['no key', { keys: [] }, /another key/],
    ['id0 name', { idName: `p${'b'.repeat(60)}.${ZONE}` }, /our own name/],
    ['wildcard', { chain: wildcard }, /our own name/],
    ['address name', { addressNames: [`ip410-0-0-1.${ZONE}`] }, /not for "ip410/],
    ['claimed name', { claimedNames: [`ip410-0-0-1.${ZONE}`] }, /not for "ip410/],
    ['no address', { addressNames: [] }, /none of our addresses/],
    ['ended', { now: Date.now() + 91 * DAY_MS }, /ended at/],
    ['no PEM', { chain: 'x' }, /no certificate in PEM/],
    ['garbage', { chain: leaf.replace('MI', 'AA') }, /no certificate/],
    ['chain of another CA', { chain: leaf + stranger.intermediate }, /not signed by/],
    ['right key, other name', { chain: misnamed + authority.intermediate }, /not signed by/],
    ['leaf twice', { chain: leaf + leaf }, /not signed by/],
    ['long chain', { chain: leaf.repeat(11) }, /at most 10/],
  ]
  for (const [name, parts, wanted] of cases) {
    t.throws(
      () => checkCertificate({ ...good, ...parts }),
      { name: 'CertificateError', message: wanted },
      name,
    )
  }
})

test('NT-CLIENT-013 a certificate survives in the datastore, and only a good one comes back', async (t) => {
  const datastore = new MemoryDatastore()
  const store = new CertificateStore(datastore, self, silentLogger)
  t.equal(await store.load(Date.now()), undefined, 'empty')
  const pending = await store.pendingKey()
  t.equal(createPrivateKey(pending).asymmetricKeyType, 'ec')
  t.equal(
    await new CertificateStore(datastore, self, silentLogger).pendingKey(),
    pending,
    'the same until it is used',
  )
  const certificate = checkCertificate(good)
  await store.save(certificate)
  t.same(await store.load(Date.now()), certificate)
  t.not(await store.pendingKey(), pending)
  t.equal(await store.load(Date.now() + 91 * DAY_MS), undefined, 'lapsed')
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  t.equal(
    await new CertificateStore(datastore, other, silentLogger).load(Date.now()),
    undefined,
    'of another peer',
  )

  const record = Buffer.from(await datastore.get(new Key('/nodetrust/certificate'))).toString()
  const broken = [
    '',
    'null',
    '[]',
    record.slice(0, -1),
    record.replace('"version":1', '"version":2'),
    record.replace(ADDRESS_NAME, `ip4203-0-113-8.${ZONE}`),
    record.replace('"addressNames":[', '"addressNames":[1,'),
    `${record}${' '.repeat(300_000)}`,
  ]
  for (const text of broken) {
    await datastore.put(new Key('/nodetrust/certificate'), Buffer.from(text))
    t.equal(await store.load(Date.now()), undefined, text.slice(0, 40))
  }
  await datastore.put(new Key('/nodetrust/pending-key'), Buffer.from('nonsense'))
  t.match(await store.pendingKey(), 'BEGIN PRIVATE KEY', 'a broken key is replaced')
})

test('NT-CLIENT-013 a datastore that cannot be written is no obstacle', async (t) => {
  class FullDatastore extends MemoryDatastore {
    override put(): never {
      throw new Error('no space left')
    }

    override batch(): never {
      throw new Error('no space left')
    }
  }
  const store = new CertificateStore(new FullDatastore(), self, silentLogger)
  const pending = await store.pendingKey()
  t.equal(await store.pendingKey(), pending, 'kept in memory')
  await store.save(checkCertificate(good))
  t.not(await store.pendingKey(), pending)
})
