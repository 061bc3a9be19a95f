// Certificates that were issued: fetched (RFC 8555 section 7.4.2) and revoked (section 7.6).
import { createPublicKey, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import {
  anyPost,
  payloadObject,
  postAsGet,
  type AccountPost,
  type SignedPost,
} from './authentication.ts'
import { owned, urlOf, type Answer, type Call } from './call.ts'
import { notFound, Problem } from './problems.ts'
import { reuseKey, type Account, type Ca, type IssuedCertificate } from './state.ts'

const CHAIN_TYPE = 'application/pem-certificate-chain; charset=utf-8'
/** RFC 5280 section 5.3.1: there is no 7. */
const REASON_MAX = 10
const REASON_UNUSED = 7

/** One chain; the others are linked as alternates. */
export async function certificate(call: Call): Promise<Answer> {
  const { account } = await postAsGet(call)
  const [id = '', alternate = '0'] = call.id.split('/alternate/')
  const found = owned(call.ca.state.certificates.get(id), account, 'certificate')
  const index = /^\d{1,3}$/.test(alternate) ? Number(alternate) : -1
  const chain = found.chains[index]
  if (chain === undefined) throw notFound('chain')
  const links = found.chains.flatMap((_, other) => {
    const url = urlOf(call, 'certificate', other === 0 ? id : `${id}/alternate/${other}`)
    return other === index ? [] : [{ url, relation: 'alternate' }]
  })
  return { headers: { 'Content-Type': CHAIN_TYPE }, body: chain, links }
}

export async function revokeCertificate(call: Call): Promise<Answer> {
  const { ca } = call
  const post = await anyPost(call)
  const { certificate: encoded, reason = 0 } = payloadObject(post)
  if (typeof encoded !== 'string') throw new Problem('malformed', 'there is no certificate')
  const found = findIssued(ca, Buffer.from(encoded, 'base64url'))
  if (found === undefined) throw new Problem('malformed', 'Unable to find specified certificate.')
  if (!(await mayRevoke(ca, post, found))) {
    throw new Problem('unauthorized', 'neither the account nor the key may revoke this certificate')
  }
  if (!isReason(reason)) {
    throw new Problem('badRevocationReason', `Invalid revocation reason: ${JSON.stringify(reason)}`)
  }
  if (found.revoked !== undefined) {
    throw new Problem('alreadyRevoked', 'Certificate has already been revoked.')
  }
  found.revoked = { atMs: Date.now(), reason }
  ca.log(`certificate ${found.serial} revoked`)
  return {}
}

function findIssued({ state }: Ca, der: Buffer): IssuedCertificate | undefined {
  try {
    const serial = new X509Certificate(der).serialNumber.toLowerCase()
    const found = state.certificatesBySerial.get(serial)
    return found?.der.equals(der) === true ? found : undefined
  } catch {
    return undefined
  }
}

/** Section 7.6: its account, its key, or an account that may have all of its names. */
async function mayRevoke(
  ca: Ca,
  post: AccountPost | SignedPost,
  { accountId, names, der }: IssuedCertificate,
): Promise<boolean> {
  if ('account' in post) {
    return (
      post.account.id === accountId || names.every((name) => isAuthorized(ca, post.account, name))
    )
  }
  const publicKey = createPublicKey(
    new X509Certificate(der).publicKey.export({ type: 'spki', format: 'pem' }),
  )
  const key = publicKey.export({ format: 'jwk' }) as JWK
  return (await calculateJwkThumbprint(key)) === post.thumbprint
}

function isAuthorized({ state }: Ca, account: Account, name: string): boolean {
  const known = state.reusable.get(reuseKey(account.id, name))
  return known?.status === 'valid' && known.expiresMs > Date.now()
}

function isReason(reason: unknown): reason is number {
  return (
    Number.isInteger(reason) &&
    (reason as number) >= 0 &&
    (reason as number) <= REASON_MAX &&
    reason !== REASON_UNUSED
  )
}
