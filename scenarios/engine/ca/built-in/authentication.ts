// Who asks, and that it is asked once: what each POST must pass (RFC 8555 sections 6.2 to 6.5).
import { calculateJwkThumbprint, type JWK } from 'jose'
import { idOf, type Call } from './call.ts'
import { embeddedKey, parseJws, parseObject, verifyJws, type Jws } from './jws.ts'
import { Problem } from './problems.ts'
import type { Account } from './state.ts'

const CONTENT_TYPE = 'application/jose+json'

export interface SignedPost {
  readonly key: JWK
  readonly thumbprint: string
  readonly payload: string
}

export interface AccountPost extends SignedPost {
  readonly account: Account
}

/** A request in the name of an account, which its `kid` names. @throws {Problem} */
export async function accountPost(call: Call): Promise<AccountPost> {
  const jws = readJws(call)
  const { kid, jwk } = jws.header
  if (jwk !== undefined && kid !== undefined) {
    throw new Problem('malformed', 'jwk and kid header fields are mutually exclusive.')
  }
  const id = idOf(call, 'account', kid)
  if (id === undefined || id === '') {
    throw new Problem('malformed', 'Key ID (kid) in JWS header missing expected URL prefix')
  }
  const account = call.ca.state.accounts.get(id)
  if (account === undefined) {
    throw new Problem('accountDoesNotExist', `Account ${kid} not found.`)
  }
  const { key, thumbprint } = account
  const payload = await admit(call, jws, key)
  // RFC 8555 section 7.3.6. Judged after the signature: only its owner learns of it.
  if (account.status === 'deactivated') {
    throw new Problem('unauthorized', 'Account has been deactivated', { status: 401 })
  }
  return { account, key, thumbprint, payload }
}

/** A request signed with a key that is in it. @throws {Problem} */
export async function keyPost(call: Call): Promise<SignedPost> {
  const jws = readJws(call)
  const key = embeddedKey(jws)
  const payload = await admit(call, jws, key)
  return { key, thumbprint: await calculateJwkThumbprint(key), payload }
}

/** Either: revocation takes both (section 7.6). @throws {Problem} */
export async function anyPost(call: Call): Promise<AccountPost | SignedPost> {
  return readJws(call).header.kid === undefined ? await keyPost(call) : await accountPost(call)
}

/** A read (section 6.3): its payload is empty. @throws {Problem} */
export async function postAsGet(call: Call): Promise<AccountPost> {
  const post = await accountPost(call)
  if (post.payload !== '') {
    throw new Problem('malformed', 'POST-as-GET requests must have an empty payload')
  }
  return post
}

/** @throws {Problem} */
export function payloadObject({ payload }: SignedPost): Record<string, unknown> {
  return parseObject(payload, 'payload')
}

/** @throws {Problem} where the nonce, the URL or the signature are not good */
async function admit({ ca, url }: Call, jws: Jws, key: JWK): Promise<string> {
  const payload = await verifyJws(jws, key)
  const { nonce, url: signedUrl } = jws.header
  if (typeof nonce !== 'string') throw new Problem('badNonce', 'JWS has no anti-replay nonce')
  if (!ca.state.nonces.spend(nonce)) {
    throw new Problem('badNonce', `JWS has an invalid anti-replay nonce: ${nonce.slice(0, 64)}`)
  }
  if (typeof signedUrl !== 'string') {
    throw new Problem('malformed', "JWS header parameter 'url' required.")
  }
  // RFC 8555 section 6.4: rejected as unauthorized.
  if (signedUrl !== url) {
    throw new Problem(
      'unauthorized',
      `JWS header parameter 'url' incorrect. Expected "${url}", got "${signedUrl.slice(0, 256)}"`,
    )
  }
  return payload
}

function readJws({ headers, body }: Call): Jws {
  const [type] = String(headers['content-type'] ?? '').split(';')
  if (type?.trim().toLowerCase() !== CONTENT_TYPE) {
    throw new Problem('malformed', `Content-Type must be "${CONTENT_TYPE}"`, { status: 415 })
  }
  // RFC 8555 section 6.5: it belongs into the signed header.
  if (headers['replay-nonce'] !== undefined) {
    throw new Problem(
      'malformed',
      'HTTP requests should NOT contain Replay-Nonce header. Use JWS nonce field',
    )
  }
  return parseJws(body)
}
