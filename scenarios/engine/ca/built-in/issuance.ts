// Finalization and issuance (RFC 8555 section 7.4).
import { calculateJwkThumbprint, type JWK } from 'jose'
import { accountPost, payloadObject } from './authentication.ts'
import { owned, type Answer, type Call } from './call.ts'
import { readCsr, type SigningRequest } from './csr.ts'
import { messageOf } from './jws.ts'
import { countCertificate } from './limits.ts'
import { orderStatus } from './order-status.ts'
import { orderView } from './orders.ts'
import type { Settings } from './options.ts'
import { Problem } from './problems.ts'
import { randomId, randomSerial } from './random.ts'
import type { Ca, Order } from './state.ts'

/** RFC 5280: what a common name may hold. */
const COMMON_NAME_LENGTH_MAX = 64

export async function finalize(call: Call): Promise<Answer> {
  const { ca } = call
  const post = await accountPost(call)
  const order = owned(ca.state.orders.get(call.id), post.account, 'order')
  wantReady(ca, order)
  const request = readCsr(payloadObject(post)['csr'])
  checkNames(request, order)
  const keyId = await calculateJwkThumbprint(request.publicKey.export({ format: 'jwk' }) as JWK)
  // RFC 8555 section 11.1.
  if (ca.state.accountsByKey.has(keyId)) {
    throw new Problem('badCSR', 'CSR contains a public key for a known account')
  }
  // Another finalization may have come while we looked at this one.
  wantReady(ca, order)
  order.outcome = 'processing'
  const answer = orderView(call, order)
  void complete(ca, order, request)
  return answer
}

function wantReady(ca: Ca, order: Order): void {
  const { status } = orderStatus(ca, order)
  if (status !== 'ready') {
    throw new Problem('orderNotReady', `Order's status ("${status}") was not ready`)
  }
}

/** Refused as unauthorized, as Boulder and Pebble do. */
function checkNames({ names, commonNames, others }: SigningRequest, order: Order): void {
  if (names.length !== order.names.length || others > 0) {
    throw new Problem(
      'unauthorized',
      `CSR has ${names.length} names and ${others} other identifiers, the order has ${order.names.length} names`,
    )
  }
  const missing = order.names.find((name) => !names.includes(name))
  if (missing !== undefined) {
    throw new Problem('unauthorized', `CSR is missing Order domain "${missing}"`)
  }
  const foreign = commonNames.find((name) => !names.includes(name))
  if (foreign !== undefined) {
    throw new Problem(
      'unauthorized',
      `CSR has a common name that is not among its names: "${foreign}"`,
    )
  }
}

/** Never rejects. */
async function complete(ca: Ca, order: Order, request: SigningRequest): Promise<void> {
  try {
    await issue(ca, order, request)
  } catch (error) {
    order.outcome = 'invalid'
    order.error = new Problem('serverInternal', `issuance failed: ${messageOf(error)}`).document
    ca.log(`order ${order.id} failed: ${messageOf(error)}`)
  }
}

async function issue(ca: Ca, order: Order, request: SigningRequest): Promise<void> {
  const { settings, state } = ca
  const profile = order.profile === undefined ? undefined : settings.profiles[order.profile]
  const seconds = profile?.validitySeconds ?? lifetimeSeconds(settings)
  const notBeforeMs = wholeSeconds(dateOf(order.notBefore) ?? Date.now())
  // RFC 5280 section 4.1.2.5: both ends are part of it.
  const notAfterMs = wholeSeconds(dateOf(order.notAfter) ?? notBeforeMs + seconds * 1000 - 1000)
  const names = order.names.toSorted()
  const commonName = names.find((name) => name.length <= COMMON_NAME_LENGTH_MAX)
  const serial = randomSerial()
  const { der, chains } = await state.authority.issue({
    serial,
    names,
    commonName: profile?.commonName === true ? commonName : undefined,
    publicKey: request.publicKeyDer,
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
  })
  await ca.awake()
  const certificate = {
    id: randomId(),
    serial,
    accountId: order.accountId,
    names,
    der,
    notBeforeMs,
    notAfterMs,
    chains,
    revoked: undefined,
    replacedBy: undefined,
  }
  state.certificates.set(certificate.id, certificate)
  state.certificatesBySerial.set(serial, certificate)
  countCertificate(ca, order)
  order.certificateId = certificate.id
  order.outcome = 'valid'
  ca.log(`certificate ${serial} issued for ${names.join(', ')}`)
}

function lifetimeSeconds({ certificateLifetimes, certificateValiditySeconds }: Settings): number {
  const now = Date.now()
  const begun = certificateLifetimes.findLast(({ fromMs }) => fromMs <= now)
  return begun?.seconds ?? certificateValiditySeconds
}

function dateOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
