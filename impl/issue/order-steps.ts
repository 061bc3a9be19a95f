import { RefusalError } from '../wire/errors.ts'
import {
  AcmeProblemError,
  type AcmeClient,
  type Authorization,
  type Challenge,
  type NewOrder,
  type Order,
} from './acme/index.ts'
import { readCertificate } from './certificates.ts'
import type { Challenges } from './challenges.ts'
import type { ChallengeValue, StoredCertificate, StoredOrder } from './records.ts'
import type { OrderChange, Store } from './store.ts'

/** Those of some orders of a CA that loses one after the other; older ones have expired. */
const CHALLENGES_MAX = 32

/** The operations of the ACME client that an order takes. */
export type AcmeSteps = Pick<
  AcmeClient,
  | 'account'
  | 'newOrder'
  | 'authorizations'
  | 'answerChallenge'
  | 'waitForOrder'
  | 'finalize'
  | 'certificate'
  | 'dns01Value'
>

export interface OrderStepsContext {
  readonly acme: AcmeSteps
  readonly store: Pick<Store, 'updateOrder' | 'finishOrder' | 'saveAccountUrl' | 'predecessor'>
  readonly challenges: Pick<Challenges, 'publish'>
  readonly signal: AbortSignal
  /** Told of every step that was written, with the order as it is then. */
  readonly written: (order: StoredOrder) => void
}

interface CaOrder {
  readonly order: Order
  /** `undefined` where the order is from an earlier run and they were not read yet. */
  readonly authorizations?: readonly Authorization[]
}

/**
 * Takes an order from wherever it stands to its certificate. Each step is written before the ACME call that follows
 * it, and where to go on is read from the CA's own state of the order, so it does not matter where an earlier process
 * was killed.
 *
 * One gap cannot be closed: killed between the CA's making the order and its answer, the order is made again. Public
 * CAs then give the same pending order once more; Pebble does not.
 * @throws {AcmeError} {RefusalError} or the reason of the signal; the order is then as it was last written.
 */
export async function finishOrder(
  stored: StoredOrder,
  { acme, store, challenges, signal, written }: OrderStepsContext,
): Promise<StoredCertificate> {
  let current = stored
  const write = (change: OrderChange): void => {
    // Once aborted, another run may have taken the order over.
    signal.throwIfAborted()
    current = store.updateOrder(current, change, Date.now())
    written(current)
  }

  // Asked of the CA once in the life of the client.
  store.saveAccountUrl((await acme.account({ signal })).url)
  const ca = await openOrder()
  let { order } = ca
  if (order.status === 'pending') {
    const authorizations = ca.authorizations ?? (await acme.authorizations(order, { signal }))
    const pending = pendingChallenges(authorizations, (token) => acme.dns01Value(token))
    const values = pending.map(({ name, value }) => ({ name, value }))
    // What may stand on the DNS servers is written before it does, beside what orders that the CA has lost left there.
    write({ challenges: joined(current.challenges, values) })
    await challenges.publish(values, { signal })
    write({ state: 'challenged' })
    await Promise.all(pending.map(({ challenge }) => acme.answerChallenge(challenge, { signal })))
    write({ state: 'answered' })
    order = await acme.waitForOrder(order.url, { until: ['ready'], signal })
  }
  if (order.status === 'ready') {
    write({ state: 'finalizing' })
    order = await acme.finalize(order, current.request.csr, { signal })
  }
  if (order.status !== 'valid') {
    order = await acme.waitForOrder(order.url, { until: ['valid'], signal })
  }
  const { pem } = await acme.certificate(order, { signal })
  signal.throwIfAborted()
  const certificate = readCertificate(pem, {
    names: current.names,
    keyId: current.request.keyId,
  })
  return store.finishOrder(current, certificate, Date.now())

  async function openOrder(): Promise<CaOrder> {
    const { orderUrl } = current
    if (orderUrl !== undefined) {
      // Returns at once unless the CA is still working on it; throws when it has failed.
      const until = ['pending', 'ready', 'valid'] as const
      return { order: await acme.waitForOrder(orderUrl, { until, signal }) }
    }
    const { names } = current
    const replaces = store.predecessor(current, Date.now())
    if (replaces === undefined) return newOrder({ names })
    try {
      return await newOrder({ names, replaces })
    } catch (error) {
      if (!mayBeForReplacing(error)) throw error
      return newOrder({ names })
    }
  }

  async function newOrder(wanted: NewOrder): Promise<CaOrder> {
    // Also to learn whether the order can be written down: what cannot must not cost the CA's limit at each request.
    write({ attempts: current.attempts + 1 })
    return acme.newOrder(wanted, {
      signal,
      onOrder: ({ url }) => write({ state: 'ordered', orderUrl: url }),
    })
  }
}

/**
 * Whether an order was perhaps refused for what it replaces: a certificate that is replaced already (RFC 9773 section
 * 5), that the CA has forgotten, or that is another account's. CAs do not agree on the type of the problem.
 */
function mayBeForReplacing(error: unknown): boolean {
  if (!(error instanceof AcmeProblemError) || error.resource !== 'newOrder') return false
  return error.action === 'final' || error.status === 404
}

/** All of them, each once, the latest last; at most so many as matter. */
function joined(
  earlier: readonly ChallengeValue[],
  later: readonly ChallengeValue[],
): readonly ChallengeValue[] {
  const isLater = (one: ChallengeValue): boolean =>
    later.some(({ name, value }) => name === one.name && value === one.value)
  return [...earlier.filter((one) => !isLater(one)), ...later].slice(-CHALLENGES_MAX)
}

interface PendingChallenge extends ChallengeValue {
  readonly challenge: Challenge
}

function pendingChallenges(
  authorizations: readonly Authorization[],
  dns01Value: (token: string) => string,
): readonly PendingChallenge[] {
  return authorizations
    .filter(({ status }) => status === 'pending')
    .map(({ name, challenges }) => {
      const challenge = challenges.find(({ type }) => type === 'dns-01')
      if (challenge?.token === undefined) {
        throw new RefusalError('OTHER', `ca offers no dns-01 challenge for "${name}"`)
      }
      return { name, value: dns01Value(challenge.token), challenge }
    })
}
