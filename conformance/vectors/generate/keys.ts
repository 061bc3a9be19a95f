// Keys and signatures that are the same in every run. Node's own ECDSA draws a random number for each signature, and
// makes RSA keys of random primes; here both come from a seed. Never for anything but vectors.
import {
  checkPrimeSync,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
} from 'node:crypto'
import { ECDSA_SHA256, ED25519, RSA_SHA256, type CsrKey } from '../../wire/csr.ts'
import {
  bitString,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
} from '../../wire/der.ts'
import { fields, join } from '../../wire/protobuf.ts'
import { SeededRandom } from './random.ts'

/** A key that signs proofs and requests. */
export interface VectorKey extends CsrKey {
  /** libp2p's PublicKey message. */
  readonly libp2p: Uint8Array
  /** Multihash of the peer whose key it is. */
  readonly id: Uint8Array
}

const LIBP2P_TYPE = { RSA: 0, Ed25519: 1, secp256k1: 2 } as const
const IDENTITY_BYTES_MAX = 42

/** An Ed25519 key. */
export function ed25519Key(seed: string): VectorKey {
  const secret = octetString(new SeededRandom(seed).bytes(32))
  const pkcs8 = sequence(
    integer(0n),
    sequence(objectIdentifier('1.3.101.112')),
    octetString(secret),
  )
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const publicKey = spkiOf(createPublicKey(privateKey))
  return {
    publicKey,
    algorithm: ED25519,
    sign: (bytes) => Uint8Array.from(sign(null, bytes, privateKey)),
    ...peer(LIBP2P_TYPE.Ed25519, publicKey.subarray(-32)),
  }
}

/** Curves by their names in Node, with their orders (SEC 2). */
const CURVES = {
  prime256v1: {
    id: '1.2.840.10045.3.1.7',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  secp256k1: {
    id: '1.3.132.0.10',
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  },
  secp384r1: {
    id: '1.3.132.0.34',
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
} as const

/** An ECDSA key that signs with SHA-256. */
export function ecdsaKey(curve: keyof typeof CURVES, seed: string): VectorKey {
  const { id, order } = CURVES[curve]
  const secret = (toNumber(new SeededRandom(seed).bytes(48)) % (order - 1n)) + 1n
  const point = multiple(curve, secret)
  const algorithm = sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier(id))
  return {
    publicKey: sequence(algorithm, bitString(point.getPublicKey())),
    algorithm: ECDSA_SHA256,
    sign(bytes) {
      const hash = toNumber(sha256(bytes))
      // Any number that nobody can guess would do; this one is the same in every run.
      const once = (toNumber(sha256(bytes, seed)) % (order - 1n)) + 1n
      const r =
        toNumber(
          multiple(curve, once)
            .getPublicKey()
            .subarray(1, 1 + byteLength(order)),
        ) % order
      const s = (inverse(once, order) * (hash + r * secret)) % order
      // libp2p takes the smaller of the two values that both verify.
      return sequence(integer(r), integer(s > order / 2n ? order - s : s))
    },
    ...peer(LIBP2P_TYPE.secp256k1, point.getPublicKey(null, 'compressed')),
  }
}

/** An RSA key of several primes of at most 512 bits, which are found in no time. */
export function rsaKey(bits: number, seed: string, exponent = 65537n): VectorKey {
  const primes: bigint[] = []
  const random = new SeededRandom(seed)
  for (let left = bits; left > 0; left -= 512)
    primes.push(prime(Math.min(left, 512), random, exponent))
  const modulus = primes.reduce((product, factor) => product * factor)
  const secret = inverse(
    exponent,
    primes.reduce((product, factor) => product * (factor - 1n), 1n),
  )
  const publicKey = sequence(
    sequence(objectIdentifier('1.2.840.113549.1.1.1'), nothing()),
    bitString(sequence(integer(modulus), integer(exponent))),
  )
  return {
    publicKey,
    algorithm: RSA_SHA256,
    // RSASSA-PKCS1-v1_5 (RFC 8017 §9.2).
    sign(bytes) {
      const digest = sequence(
        sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), nothing()),
        octetString(sha256(bytes)),
      )
      const length = byteLength(modulus)
      const padding = new Uint8Array(length - digest.length - 3).fill(255)
      const padded = join(Uint8Array.of(0, 1), padding, Uint8Array.of(0), digest)
      return toBytes(power(toNumber(padded), secret, modulus), length)
    },
    ...peer(LIBP2P_TYPE.RSA, publicKey),
  }
}

function peer(type: number, data: Uint8Array): Pick<VectorKey, 'libp2p' | 'id'> {
  const libp2p = fields([1, type], [2, data])
  const [code, digest] = libp2p.length <= IDENTITY_BYTES_MAX ? [0, libp2p] : [0x12, sha256(libp2p)]
  return { libp2p, id: join(Uint8Array.of(code, digest.length), digest) }
}

/** A prime whose two highest bits are set, so that a product of such has as many bits as wanted. */
function prime(bits: number, random: SeededRandom, exponent: bigint): bigint {
  const top = 15n << BigInt(bits - 4)
  let candidate = BigInt.asUintN(bits, toNumber(random.bytes(Math.ceil(bits / 8)))) | top | 1n
  while (!checkPrimeSync(candidate) || (candidate - 1n) % exponent === 0n) candidate += 2n
  return candidate
}

function multiple(curve: string, factor: bigint): ReturnType<typeof createECDH> {
  const point = createECDH(curve)
  point.setPrivateKey(Buffer.from(toBytes(factor, curve === 'secp384r1' ? 48 : 32)))
  return point
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [((value % modulus) + modulus) % modulus, modulus]
  let [one, zero] = [1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[high, low] = [low, high - quotient * low]
    ;[zero, one] = [one, zero - quotient * one]
  }
  return ((zero % modulus) + modulus) % modulus
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

const sha256 = (bytes: Uint8Array, salt = ''): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(salt).update(bytes).digest())
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const byteLength = (value: bigint): number => Math.ceil(value.toString(16).length / 2)
const toBytes = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex'))
const spkiOf = (key: ReturnType<typeof createPublicKey>): Uint8Array =>
  Uint8Array.from(key.export({ type: 'spki', format: 'der' }))
