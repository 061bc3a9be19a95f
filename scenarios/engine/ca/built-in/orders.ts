// Orders (RFC 8555 sections 7.1.3 and 7.4): made, read, and what they are at a moment.
import { accountPost, payloadObject, postAsGet } from './authentication.ts'
import { authorize } from './authorizations.ts'
import { dateText, owned, urlOf, type Answer, type Call } from './call.ts'
import { limitOrder } from './limits.ts'
import { readNames } from './names.ts'
import { orderStatus } from './order-status.ts'
import { Problem } from './problems.ts'
import { randomId, shuffled } from './random.ts'
import { checkReplacement } from './renewal-info.ts'
import type { Ca, Order } from './state.ts'

/** Of one account; the oldest are no longer listed. */
const ORDERS_LISTED_MAX = 10_000

export async function newOrder(call: Call): Promise<Answer> {
  const { ca } = call
  const post = await accountPost(call)
  const wanted = payloadObject(post)
  const names = readNames(wanted['identifiers'], ca.settings)
  const profile = chooseProfile(ca, wanted['profile'])
  const { notBefore, notAfter } = validity(wanted)
  const replacement = checkReplacement(call, post.account, names, wanted['replaces'])
  const spared = limitOrder(ca, { account: post.account, names, replacement })
  const order: Order = {
    id: randomId(),
    accountId: post.account.id,
    names: shuffled(names),
    authorizationIds: shuffled(names).map((name) => authorize(ca, post.account, name).id),
    expiresMs: Date.now() + ca.settings.orderLifetimeMs,
    profile,
    replaces: replacement?.certificateId,
    notBefore,
    notAfter,
    spared,
    outcome: undefined,
    error: undefined,
    certificateId: undefined,
  }
  ca.state.orders.set(order.id, order)
  post.account.orders.push(order.id)
  if (post.account.orders.length > ORDERS_LISTED_MAX) post.account.orders.shift()
  // In Pebble's words: who counts orders in its log does so here.
  ca.log(`Added order "${order.id}" to the db: ${names.join(', ')}`)
  if (replacement !== undefined) {
    replacement.certificate.replacedBy = order.id
    ca.log(`ARI: order "${order.id}" is a replacement of "${replacement.certificate.serial}"`)
  }
  return { ...orderView(call, order), status: 201 }
}

export async function order(call: Call): Promise<Answer> {
  const { account } = await postAsGet(call)
  return orderView(call, owned(call.ca.state.orders.get(call.id), account, 'order'))
}

export function orderView(call: Call, order: Order): Answer {
  const { settings } = call.ca
  const { status, error } = orderStatus(call.ca, order)
  const waiting = status === 'processing' || status === 'pending'
  return {
    headers: {
      Location: urlOf(call, 'order', order.id),
      ...(waiting && settings.retryAfterSeconds !== undefined
        ? { 'Retry-After': String(settings.retryAfterSeconds) }
        : {}),
    },
    body: {
      status,
      expires: dateText(order.expiresMs),
      identifiers: order.names.map((value) => ({ type: 'dns', value })),
      authorizations: order.authorizationIds.map((id) => urlOf(call, 'authorization', id)),
      finalize: urlOf(call, 'finalize', order.id),
      ...(order.profile === undefined ? {} : { profile: order.profile }),
      ...(order.replaces === undefined ? {} : { replaces: order.replaces }),
      ...(order.notBefore === undefined ? {} : { notBefore: order.notBefore }),
      ...(order.notAfter === undefined ? {} : { notAfter: order.notAfter }),
      ...(error === undefined ? {} : { error }),
      ...(order.certificateId === undefined
        ? {}
        : { certificate: urlOf(call, 'certificate', order.certificateId) }),
    },
  }
}

function chooseProfile({ settings: { profiles } }: Ca, wanted: unknown): string | undefined {
  const names = Object.keys(profiles)
  // A CA without profiles ignores the field, as it does others that it does not know.
  if (names.length === 0) return undefined
  if (wanted === undefined || wanted === '') return names[0]
  if (typeof wanted === 'string' && names.includes(wanted)) return wanted
  throw new Problem('invalidProfile', `there is no profile ${JSON.stringify(wanted)}`)
}

/** What the order says of the certificate's dates; they are kept as they were written. */
function validity({ notBefore, notAfter }: Record<string, unknown>): {
  readonly notBefore: string | undefined
  readonly notAfter: string | undefined
} {
  const [from, to] = [readDate('notBefore', notBefore), readDate('notAfter', notAfter)]
  if (from !== undefined && to !== undefined && Date.parse(from) > Date.parse(to)) {
    throw new Problem('malformed', 'notAfter is before notBefore')
  }
  return { notBefore: from, notAfter: to }
}

function readDate(field: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined
  const isDate = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)
  if (isDate && !Number.isNaN(Date.parse(value))) return value
  throw new Problem('malformed', `${field} is not a date as RFC 3339 has it`)
}
