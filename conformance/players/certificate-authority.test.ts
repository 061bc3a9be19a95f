// The CA that clients are given certificates by, read by Node's own X.509: a client that refuses one of these for its
// form, and not for what a case made of it, would fail for our mistake.
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { csrKey, makeCsr, readCsr } from '../wire/index.ts'
import { openPlayedCa, spki } from './certificate-authority.ts'

const NAMES = ['pabc.nt.example', 'ip4127-0-0-1.nt.example']

test('a certificate is for its key and names, in its time, and chains to the root', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ca = openPlayedCa()
  const [notBefore, notAfter] = [Date.UTC(2030, 0, 2, 3, 4, 5), Date.UTC(2031, 10, 12, 13, 14, 15)]
  const issued = ca.issue({ names: NAMES, publicKey: spki(publicKey), notBefore, notAfter })
  const [leaf, intermediate, root] = [issued.leaf, issued.ca, ca.root].map(
    (pem) => new X509Certificate(pem),
  )
  t.ok(leaf?.checkPrivateKey(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))))
  t.equal(leaf?.subjectAltName, NAMES.map((name) => `DNS:${name}`).join(', '))
  t.equal(leaf?.validFromDate.getTime(), notBefore)
  t.equal(leaf?.validToDate.getTime(), notAfter)
  t.equal(issued.notAfter, notAfter)
  t.equal(leaf?.ca, false)
  for (const [signed, signer] of [
    [leaf, intermediate],
    [intermediate, root],
    [root, root],
  ]) {
    t.ok(signer !== undefined && signed?.checkIssued(signer) && signed.verify(signer.publicKey))
    t.equal(signer?.ca, true)
  }
})

test('a request is read: its key, its names, and whether it is signed with its key', async (t) => {
  for (const pair of [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ]) {
    const key = csrKey(pair.privateKey)
    const read = readCsr(makeCsr({ names: NAMES, key }))
    t.same(read, { publicKey: spki(pair.publicKey), names: NAMES, signed: true })
    const spoil = (signed: Uint8Array): Uint8Array =>
      Uint8Array.from(signed, (byte, index) => (index === signed.length - 1 ? byte ^ 1 : byte))
    t.equal(readCsr(makeCsr({ names: NAMES, key, spoil })).signed, false)
  }
  for (const bytes of [[], [0x30], [0x30, 0x80], [0x30, 0x05, 1], [0x30, 0]]) {
    t.throws(() => readCsr(Uint8Array.from(bytes)), RangeError)
  }
})
