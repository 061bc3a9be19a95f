// Keys of CAs and of their HTTPS, and signatures of one size.
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  KeyObject,
  sign,
  type webcrypto,
} from 'node:crypto'
import type * as x509 from '@peculiar/x509'

export type SignatureKind = 'ecdsa' | 'ed25519'

/** What @peculiar/x509 signs with. */
export const SIGNING_ALGORITHMS = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ed25519: { name: 'Ed25519' },
} as const

const KEY_LENGTH = 32
/** PKCS #8 of an Ed25519 key up to the key itself (RFC 8410 section 7). */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * From when to when CAs and their HTTPS are certified: at any time that somebody may look. Under a simulated clock OpenSSL
 * still goes by the machine's.
 */
export const ALWAYS_VALID = {
  notBefore: new Date('2000-01-01T00:00:00Z'),
  notAfter: new Date('2049-12-31T23:59:59Z'),
} as const

export interface SigningKey {
  readonly kind: SignatureKind
  /** PKCS #8 PEM. */
  readonly pem: string
  readonly privateKey: webcrypto.CryptoKey
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
}

/** A key that follows from the global crypto's random values: the same seed gives the same CA. */
export function makeSigningKey(kind: SignatureKind): SigningKey {
  const privateKey = kind === 'ecdsa' ? ecdsaKey() : ed25519Key()
  return {
    kind,
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey: privateKey.toCryptoKey(SIGNING_ALGORITHMS[kind], true, ['sign']),
    publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  }
}

/**
 * Signs for @peculiar/x509. ECDSA signatures in DER are 68 to 72 bytes long by chance, which no two runs of a simulation
 * would agree in. So each is made again until both of its numbers have 32 bytes, four times on average, 0.06 ms each.
 */
export const ONE_SIZE_CRYPTO = {
  subtle: {
    async sign(_algorithm: unknown, key: webcrypto.CryptoKey, data: ArrayBuffer) {
      const privateKey = KeyObject.from(key)
      const bytes = Buffer.from(data)
      if (privateKey.asymmetricKeyType === 'ed25519') return sign(null, bytes, privateKey)
      for (;;) {
        const signature = sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })
        if (isUsual(signature[0]) && isUsual(signature[32])) return signature
      }
    },
  },
} as unknown as Parameters<typeof x509.X509CertificateGenerator.create>[1]

/** Whether a number that begins so is as long in DER as it is here: it loses no zero and gets none. */
function isUsual(first: number | undefined): boolean {
  return first !== undefined && first > 0 && first < 0x80
}

function ecdsaKey(): KeyObject {
  const ecdh = createECDH('prime256v1')
  const seed = randomKey()
  // Beyond the curve's order there is no key; a first byte below 0xff is always less.
  seed[0] = (seed[0] ?? 0) & 0x7f
  ecdh.setPrivateKey(seed)
  const point = ecdh.getPublicKey()
  const part = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const [x, y, d] = [part(point.subarray(1, 33)), part(point.subarray(33)), part(seed)]
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d }, format: 'jwk' })
}

function ed25519Key(): KeyObject {
  const key = Buffer.concat([ED25519_PREFIX, randomKey()])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

function randomKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(KEY_LENGTH))
}
