import nodeCrypto from 'node:crypto'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { native } from './native.ts'

/** Where Node has time, chance and other threads, and what was there when it was looked at whether each needs a stand-in. */
interface Known {
  readonly holder: () => object
  readonly names: ReadonlySet<string>
}

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/**
 * Everything that Node 24 to 26 have in these places. Something new is not wrong, but somebody has to look at it: it may wait,
 * draw, or work on another thread.
 */
export const KNOWN_NAMES: Readonly<Record<string, Known>> = {
  'node:timers': {
    holder: () => timers,
    names: words(`
      setTimeout clearTimeout setImmediate clearImmediate setInterval clearInterval promises`),
  },
  'node:timers/promises': {
    holder: () => timersPromises,
    names: words('setTimeout setImmediate setInterval scheduler default'),
  },
  scheduler: {
    holder: () => Object.getPrototypeOf(timersPromises.scheduler) as object,
    names: words('constructor yield wait'),
  },
  Timeout: {
    holder: () => {
      const timeout = native.setTimeout(() => {}, 1)
      native.clearTimeout(timeout)
      return Object.getPrototypeOf(timeout) as object
    },
    names: words('constructor refresh unref ref hasRef close'),
  },
  Date: { holder: () => native.Date, names: words('length name prototype now parse UTC') },
  AbortSignal: {
    holder: () => AbortSignal,
    names: words('length name prototype abort timeout any'),
  },
  crypto: {
    holder: () => Object.getPrototypeOf(globalThis.crypto) as object,
    names: words('constructor subtle getRandomValues randomUUID'),
  },
  'crypto.subtle': {
    holder: () => Object.getPrototypeOf(globalThis.crypto.subtle) as object,
    names: words(`
      constructor encrypt decrypt sign verify digest generateKey deriveKey deriveBits importKey
      exportKey wrapKey unwrapKey getPublicKey encapsulateBits encapsulateKey decapsulateBits
      decapsulateKey supports`),
  },
  'node:crypto': {
    holder: () => nodeCrypto,
    names: words(`
      argon2 argon2Sync checkPrime checkPrimeSync createCipheriv createDecipheriv
      createDiffieHellman createDiffieHellmanGroup createECDH createHash createHmac createMac getMacs parsePKCS12
      createPrivateKey createPublicKey createSecretKey createSign createVerify diffieHellman
      generatePrime generatePrimeSync getCiphers getCipherInfo getCurves getDiffieHellman getHashes
      hkdf hkdfSync pbkdf2 pbkdf2Sync generateKeyPair generateKeyPairSync generateKey
      generateKeySync privateDecrypt privateEncrypt publicDecrypt publicEncrypt randomBytes
      randomFill randomFillSync randomInt randomUUID randomUUIDv7 scrypt scryptSync sign setEngine
      timingSafeEqual getFips setFips verify hash encapsulate decapsulate Certificate Cipheriv
      Decipheriv DiffieHellman DiffieHellmanGroup ECDH Hash Hmac KeyObject Sign Verify
      X509Certificate secureHeapUsed fips constants webcrypto subtle getRandomValues prng
      pseudoRandomBytes rng`),
  },
}
