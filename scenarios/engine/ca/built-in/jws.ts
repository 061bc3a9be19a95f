// Signed requests (RFC 8555 section 6.2): a flattened JWS with protected headers only.
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { flattenedVerify, type FlattenedJWSInput, type JWK } from 'jose'
import { Problem } from './problems.ts'

/** ES256 must be there and EdDSA should (section 6.2); the others are what public CAs take. */
export const SIGNATURE_ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
const RSA_BITS = { min: 2048, max: 4096 }
const CURVES: ReadonlySet<string> = new Set(['P-256', 'P-384', 'P-521'])

export interface JwsHeader {
  readonly alg: string
  readonly nonce?: unknown
  readonly url?: unknown
  readonly kid?: string
  readonly jwk?: JWK
}

export interface Jws {
  readonly header: JwsHeader
  /** As it was sent: base64url. */
  readonly payload: string
  readonly input: FlattenedJWSInput
}

/** @throws {Problem} where it is no JWS of the form that ACME wants; nothing of it is verified yet */
export function parseJws(text: string): Jws {
  const fields = parseObject(text, 'JWS')
  if ('header' in fields) {
    throw new Problem(
      'malformed',
      'JWS "header" field not allowed. All headers must be in "protected" field',
    )
  }
  if ('signatures' in fields) {
    throw new Problem('malformed', 'JWS "signatures" field not allowed, only "signature"')
  }
  const { protected: protectedHeader, payload, signature } = fields
  for (const [name, value] of Object.entries({ protectedHeader, payload, signature })) {
    if (typeof value !== 'string' || !/^[\w-]*$/.test(value)) {
      throw new Problem('malformed', `JWS "${name}" is not base64url`)
    }
  }
  const input = { protected: protectedHeader, payload, signature } as FlattenedJWSInput
  const header = parseObject(decode(String(protectedHeader)), 'JWS protected header')
  const { alg, kid, jwk } = header
  if (typeof alg !== 'string') throw new Problem('malformed', 'JWS header has no "alg"')
  if (kid !== undefined && typeof kid !== 'string') {
    throw new Problem('malformed', 'JWS header "kid" is not a text')
  }
  if (jwk !== undefined && (typeof jwk !== 'object' || jwk === null)) {
    throw new Problem('malformed', 'JWS header "jwk" is not a JWK')
  }
  return { header: header as unknown as JwsHeader, payload: String(payload), input }
}

/** The key in the header itself, as newAccount and keyChange want it. @throws {Problem} */
export function embeddedKey({ header: { jwk, kid } }: Jws): JWK {
  if (jwk === undefined) throw new Problem('malformed', 'No JWK in JWS header')
  if (kid !== undefined) {
    throw new Problem('malformed', 'jwk and kid header fields are mutually exclusive.')
  }
  checkKey(jwk)
  return publicPart(jwk)
}

/** Verifies the signature and gives the payload's text. @throws {Problem} */
export async function verifyJws(jws: Jws, key: JWK): Promise<string> {
  const { alg } = jws.header
  if (!(SIGNATURE_ALGORITHMS as readonly string[]).includes(alg)) {
    throw new Problem(
      'badSignatureAlgorithm',
      `JWS signature algorithm "${alg}" is not supported, use one of ${SIGNATURE_ALGORITHMS.join(', ')}`,
      { algorithms: SIGNATURE_ALGORITHMS },
    )
  }
  try {
    // The very object of the account: jose keeps what it made of it.
    await flattenedVerify(jws.input, key, { algorithms: [...SIGNATURE_ALGORITHMS] })
  } catch (error) {
    throw new Problem('malformed', `JWS verification error: ${messageOf(error)}`)
  }
  return decode(jws.payload)
}

/** @throws {Problem} */
export function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Problem('malformed', `Parse error reading ${what}: ${messageOf(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Problem('malformed', `${what} is not a JSON object`)
  }
  return value as Record<string, unknown>
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** RFC 8555 section 11.1 asks for strong keys: what a public CA takes. */
function checkKey(jwk: JWK): void {
  let details: { readonly modulusLength?: number; readonly namedCurve?: string }
  let type: string | undefined
  try {
    const key = createPublicKey({ key: publicPart(jwk) as JsonWebKey, format: 'jwk' })
    details = key.asymmetricKeyDetails ?? {}
    type = key.asymmetricKeyType
  } catch (error) {
    throw new Problem('malformed', `Invalid JWK in JWS header: ${messageOf(error)}`)
  }
  const { modulusLength: bits = 0 } = details
  if (type === 'rsa' && (bits < RSA_BITS.min || bits > RSA_BITS.max)) {
    throw new Problem(
      'badPublicKey',
      `RSA key has ${bits} bits, ${RSA_BITS.min} to ${RSA_BITS.max} are wanted`,
    )
  }
  const known = type === 'rsa' || type === 'ed25519' || (type === 'ec' && CURVES.has(jwk.crv ?? ''))
  if (!known) throw new Problem('badPublicKey', 'key type is not supported')
}

/** A client that sends its private key by mistake does not get it stored. */
function publicPart({ kty, crv, x, y, n, e }: JWK): JWK {
  const fields = { kty, crv, x, y, n, e }
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as JWK
}

function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString('utf8')
}
