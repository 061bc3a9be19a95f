// What is computed once for all hosts: that it is, and that nothing is taken for good that is not.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { test } from 'tap'
import { inWorld } from './install.ts'
import { takeOver } from './take-over.ts'

takeOver()

interface Pair {
  readonly secret: JsonWebKey
  readonly open: JsonWebKey
}

function newPair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { secret: privateKey.export({ format: 'jwk' }), open: publicKey.export({ format: 'jwk' }) }
}

const secretKey = (key: JsonWebKey): KeyObject => createPrivateKey({ key, format: 'jwk' })
const openKey = (key: JsonWebKey): KeyObject => createPublicKey({ key, format: 'jwk' })

test('the same bytes are the same key, as JWK and as DER, and others are another', async (t) => {
  await inWorld(async () => {
    const [one, other] = [newPair(), newPair()]
    t.equal(secretKey(one.secret), secretKey({ ...one.secret }))
    t.equal(openKey(one.open), openKey({ ...one.open }))
    t.not(openKey(one.open), openKey(other.open))
    t.equal(openKey(one.secret).type, 'public', 'the public part of a private JWK is another key')
    t.equal(secretKey(one.secret).type, 'private')
    const der = openKey(one.open).export({ format: 'der', type: 'spki' })
    const read = (): KeyObject => createPublicKey({ key: der, format: 'der', type: 'spki' })
    t.equal(read(), read())
    t.ok(read().equals(openKey(one.open)))
  })
  const { open } = newPair()
  t.not(openKey(open), openKey(open), 'outside of worlds Node reads each anew')
})

test('a signature is good for its message, its key and its own bytes alone, however often it is asked for', async (t) => {
  await inWorld(async () => {
    const [one, other] = [newPair(), newPair()]
    const message = randomBytes(100)
    const signature = sign(null, message, secretKey(one.secret))
    const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(3, (bytes[3] ?? 0) ^ 1)
    for (const time of ['first', 'second']) {
      t.ok(verify(null, message, openKey(one.open), signature), time)
      t.notOk(verify(null, flipped(message), openKey(one.open), signature), time)
      t.notOk(verify(null, message, openKey(one.open), flipped(signature)), time)
      t.notOk(verify(null, message, openKey(other.open), signature), time)
    }
  })
})

test('a private key that is written beside the public one of another signs for itself alone', async (t) => {
  await inWorld(async () => {
    const [one, other] = [newPair(), newPair()]
    const message = randomBytes(20)
    const { x = '' } = other.secret
    let signature: Buffer
    try {
      signature = sign(null, message, secretKey({ ...one.secret, x }))
    } catch {
      t.pass('Node refuses such a key')
      return
    }
    t.notOk(verify(null, message, openKey(other.open), signature))
    t.ok(verify(null, message, openKey(one.open), signature))
  })
})
