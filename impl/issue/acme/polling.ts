import type { AcmeClient } from './client.ts'
import type { Order, OrderStatus } from './messages.ts'
import { AcmeError, AcmeOrderInvalidError, AcmeTimeoutError, type Problem } from './problems.ts'
import type { AcmeOptions } from './session.ts'
import { sleep } from '../abort.ts'

/** A CA beside us is done within milliseconds. */
const POLL_MS_MIN = 1
/** Waits double up to this for as long as a person might be watching, */
const POLL_MS_MAX = 500
const PATIENCE_MS = 10_000
/** and then up to this: whatever takes so long is not hurried by asking. */
const PATIENT_POLL_MS_MAX = 5_000

const ORDER_TIMEOUT_MS = 90_000

/** The way of an order that succeeds (RFC 8555 section 7.1.6). */
const PROGRESS: readonly OrderStatus[] = ['pending', 'ready', 'processing', 'valid']

type Reader = Pick<AcmeClient, 'order' | 'authorizations'>

interface WaitOptions {
  readonly until: readonly OrderStatus[]
  readonly signal: AbortSignal
  readonly timeoutMs?: number
  readonly retryAfterMsMax: number
}

/** See AcmeClient.waitForOrder. Looks at the order and not at its authorizations: one request says all. */
export async function waitForOrder(
  client: Reader,
  url: string,
  { until, signal, timeoutMs = ORDER_TIMEOUT_MS, retryAfterMsMax }: WaitOptions,
): Promise<Order> {
  // Not the time of day: a clock that is set must not end the wait, nor stretch it.
  const startMs = performance.now()
  const goal = Math.max(...until.map((status) => PROGRESS.indexOf(status)))
  for (let pollMs = POLL_MS_MIN; ; pollMs *= 2) {
    const order = await client.order(url, { signal })
    if (until.includes(order.status)) return order
    const progress = PROGRESS.indexOf(order.status)
    if (progress < 0) throw await invalidOrder(client, order, { signal })
    if (progress > goal) return order
    const elapsedMs = Math.round(performance.now() - startMs)
    pollMs = Math.min(pollMs, elapsedMs < PATIENCE_MS ? POLL_MS_MAX : PATIENT_POLL_MS_MAX)
    const waitMs = Math.max(pollMs, Math.min(order.retryAfterMs ?? 0, retryAfterMsMax))
    if (elapsedMs + waitMs > timeoutMs) {
      throw new AcmeTimeoutError(`order "${url}" is still "${order.status}" after ${elapsedMs} ms`)
    }
    await sleep(waitMs, signal)
  }
}

/**
 * Why an order failed, and for which names. Boulder tells it in the challenges only; Pebble in the order, without the
 * name.
 */
export async function invalidOrder(
  client: Reader,
  order: Order,
  options: AcmeOptions,
): Promise<AcmeOrderInvalidError> {
  const failures = await findFailures(client, order, options)
  return new AcmeOrderInvalidError({
    orderUrl: order.url,
    orderStatus: order.status,
    problem: order.error ?? failures[0]?.problem ?? {},
    failedNames: [...new Set(failures.map(({ name }) => name))],
  })
}

/** The names of which a challenge has failed. */
async function findFailures(
  client: Reader,
  order: Order,
  options: AcmeOptions,
): Promise<readonly { readonly name: string; readonly problem: Problem }[]> {
  try {
    const authorizations = await client.authorizations(order, options)
    return authorizations.flatMap(({ name, challenges }) => {
      const problem = challenges.find(({ error }) => error !== undefined)?.error
      return problem === undefined ? [] : [{ name, problem }]
    })
  } catch (error) {
    // That the order failed is known; why stays unknown.
    if (error instanceof AcmeError) return []
    throw error
  }
}
