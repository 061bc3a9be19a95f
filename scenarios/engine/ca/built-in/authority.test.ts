// What the CA makes depends on the seed alone, as far as Node lets it, and is of one size.
import { createPublicKey, X509Certificate } from 'node:crypto'
import { test, type Test } from 'tap'
import { createHttpsCertificate } from '../https-certificate.ts'
import { makeAuthority, type Authority } from './authority.ts'
import { makeKey } from '../table/raw-client.ts'

/** Has the global crypto give the same bytes each time, for the length of the test. */
function seed(t: Test): () => void {
  let state = 1
  crypto.getRandomValues = <T extends ArrayBufferView | null>(array: T): T => {
    if (array !== null) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      for (let index = 0; index < bytes.length; index++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        bytes[index] = state >>> 16
      }
    }
    return array
  }
  // What is on the object itself hides the method of its class.
  t.teardown(() => Reflect.deleteProperty(crypto, 'getRandomValues'))
  return () => {
    state = 1
  }
}

const leafKey = createPublicKey(makeKey().privateKey).export({ type: 'spki', format: 'der' })

async function leaf(authority: Authority): Promise<{ readonly der: Buffer; readonly pem: string }> {
  const { der, chains } = await authority.issue({
    serial: `40${'5'.repeat(30)}`,
    names: ['node.nt.example'],
    commonName: undefined,
    publicKey: leafKey,
    notBefore: new Date(0),
    notAfter: new Date(86_400_000),
  })
  return { der, pem: chains[0] ?? '' }
}

test('the same seed gives the same Ed25519 CA, and the same names of an ECDSA one', async (t) => {
  const reseed = seed(t)
  const options = { alternateRoots: 1, chainLength: 2 }
  const made = async (signatures: 'ecdsa' | 'ed25519'): Promise<Authority> => {
    reseed()
    return await makeAuthority({ ...options, signatures })
  }
  t.same((await made('ed25519')).roots, (await made('ed25519')).roots)
  const [one, other] = [await made('ecdsa'), await made('ecdsa')]
  t.equal(one.keyId, other.keyId)
  const subject = ({ roots }: Authority): string => new X509Certificate(roots[0] ?? '').subject
  t.equal(subject(one), subject(other))
  reseed()
  const https = await createHttpsCertificate({ signatures: 'ed25519' })
  reseed()
  t.same(await createHttpsCertificate({ signatures: 'ed25519' }), https)
})

test('certificates for the same names are of one size, whatever their signatures', async (t) => {
  const authority = await makeAuthority({ alternateRoots: 0, chainLength: 1, signatures: 'ecdsa' })
  const sizes = new Set<number>()
  for (let count = 0; count < 24; count++) sizes.add((await leaf(authority)).der.length)
  t.equal(sizes.size, 1, [...sizes].join())
})

test('chains of both kinds are verified by OpenSSL', async (t) => {
  for (const signatures of ['ecdsa', 'ed25519'] as const) {
    const authority = await makeAuthority({ alternateRoots: 0, chainLength: 2, signatures })
    const { pem } = await leaf(authority)
    const chain = [...pem.split(/(?<=END CERTIFICATE-----\n)/).slice(0, 3), ...authority.roots].map(
      (text) => new X509Certificate(text),
    )
    t.equal(chain.length, 4)
    chain.slice(1).forEach((issuer, index) => {
      t.ok(chain[index]?.checkIssued(issuer) && chain[index].verify(issuer.publicKey))
    })
  }
})
