// What the generator signs has to verify with everybody else's code.
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'tap'
import { ecdsaKey, ed25519Key, rsaKey } from './keys.ts'

const MESSAGE = Uint8Array.from(Buffer.from('a message'))

test('keys of seeds sign what OpenSSL and libp2p verify, the same each time', async (t) => {
  const keys = {
    ed25519: () => ed25519Key('a'),
    secp256k1: () => ecdsaKey('secp256k1', 'a'),
    'P-256': () => ecdsaKey('prime256v1', 'a'),
    'P-384': () => ecdsaKey('secp384r1', 'a'),
    'RSA 2048': () => rsaKey(2048, 'a'),
    'RSA 2056, exponent 3': () => rsaKey(2056, 'a', 3n),
  }
  for (const [name, make] of Object.entries(keys)) {
    const key = make()
    const signature = key.sign(MESSAGE)
    t.same(make().sign(MESSAGE), signature, name)
    const spki = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' })
    t.ok(verify(name === 'ed25519' ? null : 'sha256', MESSAGE, spki, signature), name)
    t.notOk(verify(name === 'ed25519' ? null : 'sha256', Buffer.from('x'), spki, signature), name)
    const bits = /RSA (\d+)/.exec(name)?.[1]
    if (bits !== undefined) t.equal(spki.asymmetricKeyDetails?.modulusLength, Number(bits))
    if (name.startsWith('P-') || name.includes('exponent')) continue
    const libp2p = publicKeyFromProtobuf(key.libp2p)
    t.same(libp2p.toMultihash().bytes, key.id, name)
    t.ok(await libp2p.verify(MESSAGE, signature), `${name}, libp2p`)
  }
})
