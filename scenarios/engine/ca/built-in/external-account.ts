// External account binding (RFC 8555 section 7.3.4): a MAC over the account key with a key that was given beforehand.
import { calculateJwkThumbprint, flattenedVerify, type JWK } from 'jose'
import type { SignedPost } from './authentication.ts'
import { urlOf, type Call } from './call.ts'
import { messageOf, parseJws, parseObject } from './jws.ts'
import { Problem } from './problems.ts'

const MAC_ALGORITHMS = ['HS256', 'HS384', 'HS512']

/** The binding itself where it is good, undefined where none was sent and none is needed. @throws {Problem} */
export async function checkBinding(
  call: Call,
  { thumbprint }: SignedPost,
  binding: unknown,
): Promise<unknown> {
  const { externalAccountRequired, externalAccounts } = call.ca.settings
  if (binding === undefined || binding === null) {
    if (!externalAccountRequired) return undefined
    throw new Problem(
      'externalAccountRequired',
      "newAccount requests must include a value for the 'externalAccountBinding' field",
    )
  }
  const jws = parseJws(JSON.stringify(binding))
  const { alg, kid, nonce, url } = jws.header
  if (!MAC_ALGORITHMS.includes(alg)) {
    throw new Problem('malformed', `external account binding has the algorithm "${alg}", no MAC`)
  }
  if (kid === undefined) throw new Problem('malformed', 'external account binding has no kid')
  if (nonce !== undefined) throw new Problem('malformed', 'external account binding has a nonce')
  if (url !== urlOf(call, 'newAccount')) {
    throw new Problem('malformed', 'external account binding is for another url')
  }
  const mac = Object.hasOwn(externalAccounts, kid) ? externalAccounts[kid] : undefined
  if (mac === undefined) {
    throw new Problem(
      'unauthorized',
      "the field 'kid' references a key that is not known to the ACME server",
    )
  }
  let bound: JWK
  try {
    const { payload } = await flattenedVerify(jws.input, Buffer.from(mac, 'base64url'))
    bound = parseObject(new TextDecoder().decode(payload), 'external account binding') as JWK
    if ((await calculateJwkThumbprint(bound)) === thumbprint) return binding
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem(
      'unauthorized',
      `external account binding JWS verification error: ${messageOf(error)}`,
    )
  }
  // As Pebble has it.
  throw new Problem('badPublicKey', 'external account binding is for another account key')
}
