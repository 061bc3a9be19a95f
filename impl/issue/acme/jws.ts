// JWS as ACME needs it. Signed with node:crypto, which takes a third of the time of jose and its WebCrypto: an order has
// a dozen requests, one after the other.
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  KeyObject,
  sign,
  type JsonWebKey,
} from 'node:crypto'

/** RFC 7515 section 7.2.2. */
export interface FlattenedJws {
  readonly protected: string
  readonly payload: string
  readonly signature: string
}

/** An account key that an external system vouches for (RFC 8555 section 7.3.4). */
export interface ExternalAccount {
  readonly kid: string
  /** The MAC key as the CA gives it: base64url. */
  readonly hmacKey: string
}

/**
 * The account key: signs requests (RFC 8555 section 6.2) and makes key authorizations (section 8.1).
 * @throws {TypeError} when the key is not a private P-256 key
 */
export class AccountKey {
  readonly #key: KeyObject
  readonly #jwk: PublicJwk
  /** RFC 7638, base64url. */
  readonly thumbprint: string

  constructor(key: KeyObject | JsonWebKey) {
    const keyObject =
      key instanceof KeyObject ? key : createPrivateKey({ key: { ...key }, format: 'jwk' })
    const curve = keyObject.asymmetricKeyDetails?.namedCurve
    if (keyObject.type !== 'private' || curve !== 'prime256v1') {
      throw new TypeError('account key must be a private P-256 key')
    }
    const { x = '', y = '' } = createPublicKey(keyObject).export({ format: 'jwk' })
    this.#key = keyObject
    // Members in the order that RFC 7638 section 3.3 hashes them in.
    this.#jwk = { crv: 'P-256', kty: 'EC', x, y }
    this.thumbprint = digest(JSON.stringify(this.#jwk))
  }

  /** Signs one request. Without `kid` the public key itself is sent, as newAccount asks (section 6.2). */
  sign(payload: string, { url, nonce, kid }: SignOptions): FlattenedJws {
    const identity = kid === undefined ? { jwk: this.#jwk } : { kid }
    return flattened({ alg: 'ES256', ...identity, nonce, url }, payload, (input) =>
      // RFC 7518 section 3.4: R and S beside one another, and not in DER.
      sign('sha256', input, { key: this.#key, dsaEncoding: 'ieee-p1363' }),
    )
  }

  /** The binding of this key to an external account, for newAccount. */
  bind({ kid, hmacKey }: ExternalAccount, url: string): FlattenedJws {
    const key = Buffer.from(hmacKey, 'base64url')
    return flattened({ alg: 'HS256', kid, url }, JSON.stringify(this.#jwk), (input) =>
      createHmac('sha256', key).update(input).digest(),
    )
  }

  /** What the TXT record of a dns-01 challenge must hold: 43 characters (section 8.4). */
  dns01Value(token: string): string {
    return digest(`${token}.${this.thumbprint}`)
  }
}

interface SignOptions {
  readonly url: string
  readonly nonce: string
  readonly kid: string | undefined
}

interface PublicJwk {
  readonly crv: 'P-256'
  readonly kty: 'EC'
  readonly x: string
  readonly y: string
}

function flattened(
  header: object,
  payload: string,
  makeSignature: (input: Buffer) => Buffer,
): FlattenedJws {
  const parts = {
    protected: Buffer.from(JSON.stringify(header)).toString('base64url'),
    payload: Buffer.from(payload).toString('base64url'),
  }
  const input = Buffer.from(`${parts.protected}.${parts.payload}`)
  return { ...parts, signature: makeSignature(input).toString('base64url') }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
