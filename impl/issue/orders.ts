import { RefusalError } from '../wire/errors.ts'
import { orAbort } from './abort.ts'
import { AcmeError, AcmeOrderInvalidError } from './acme/index.ts'
import { isRateLimit, type CaPause } from './ca-pause.ts'
import { CertificateMismatchError, isReusable } from './certificates.ts'
import { UNANSWERED_AGE_MS_MAX } from './challenge-copy.ts'
import type { Challenges } from './challenges.ts'
import { makeCsr, type CertificateRequest } from './csr.ts'
import type { Ledger, OrderFailure } from './ledger.ts'
import { finishOrder, type AcmeSteps } from './order-steps.ts'
import { Slots } from './slots.ts'
import {
  canonicalNames,
  type ChallengeValue,
  type OrderState,
  type StoredCertificate,
  type StoredOrder,
  type Want,
} from './records.ts'
import type { Store } from './store.ts'

/** Is told what becomes of orders. */
export interface OrderReport {
  /** The CA has made an order; `order` is its URL. */
  orderCreated(detail: OrderDetail & { readonly order: string }): void
  /** An order that an earlier process left is taken up. */
  orderResumed(detail: OrderDetail & { readonly state: string }): void
  orderFailed(detail: OrderDetail & { readonly reason: string; readonly durationMs: number }): void
  certificateIssued(
    detail: OrderDetail & { readonly certificate: StoredCertificate; readonly durationMs: number },
  ): void
}

export interface OrderDetail {
  readonly peer: string
  readonly names: readonly string[]
}

export interface OrdersInit {
  readonly acme: AcmeSteps
  readonly store: Store
  readonly ledger: Ledger
  readonly pause: CaPause
  readonly challenges: Pick<Challenges, 'publish' | 'withdraw' | 'sweep'>
  /** Whether this order is of somebody who is not served any more. */
  readonly denied: (order: OrderDetail) => boolean
  readonly report: OrderReport
  /** Total time for one order, waiting for its turn included, in ms (NT-ISSUE-028). */
  readonly orderTimeoutMs: number
  /** Orders at once. */
  readonly runningMax: number
  /** Orders that may wait for that; more are refused. */
  readonly waitingMax: number
}

export interface ObtainedCertificate extends StoredCertificate {
  readonly fromCache: boolean
}

/** A peer needs one; another while it changes its address or its key. */
const ORDERS_PER_PEER_MAX = 4
/** CA orders for one run: the one it has or makes, and another when that turns out to be lost. */
const CA_ORDERS_MAX = 2
/** Orders whose challenges are removed once more at a start. */
const SWEPT_ORDERS_MAX = 1_000
/** From before the first challenge is answered until the CA has said what came of it. */
const STATES_OF_VALIDATION: ReadonlySet<OrderState> = new Set(['challenged', 'answered'])
/** A step that does not listen to its signal is left behind after this, so that nobody waits for it. */
const ABORT_GRACE_MS = 1_000
/** How long orders may take to let go, and challenges to be removed, when the server stops. Its bound is 5 s. */
const STOP_TIMEOUT_MS = 1_500

/** The certificates of an issue server: from the store where one will do, from the CA otherwise. */
export class Orders {
  readonly #init: OrdersInit
  readonly #slots: Slots
  /** Orders under way by what they are for: equal wants share one (NT-ISSUE-031). */
  readonly #underWay = new Map<string, Promise<ObtainedCertificate>>()
  readonly #ordersOfPeers = new Map<string, number>()
  readonly #removals = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #resuming: NodeJS.Timeout | undefined

  constructor(init: OrdersInit) {
    this.#init = init
    this.#slots = new Slots(init)
  }

  /**
   * A certificate for `names`, for the key of `request` or one that is made here. The order goes on when the caller
   * is gone: who comes again finds it.
   * @throws {RefusalError} RATE_LIMIT when the CA limits us or a budget or our own queue is full, OTHER for every
   *   other failure.
   */
  async obtain(
    { peer, names }: OrderDetail,
    request: CertificateRequest | undefined,
  ): Promise<ObtainedCertificate> {
    const want: Want = {
      peer,
      names: canonicalNames(names),
      keyChoice: request?.keyId ?? 'server',
    }
    const underWay = this.#underWay.get(wantKey(want))
    if (underWay !== undefined) return underWay
    const kept = this.#init.store.certificate(want)
    if (kept !== undefined && isReusable(kept, Date.now())) return { ...kept, fromCache: true }
    // Said at once, and not after a key was made and a turn waited for.
    this.#init.pause.check(Date.now())
    // An order that there is has been counted.
    if (this.#init.store.unfinishedOrder(want) === undefined) {
      this.#init.ledger.check(want, Date.now())
    }
    return this.#start(want, request)
  }

  /**
   * Takes up every order that an earlier process left, without anybody asking for it; when the CA limits us, after
   * that. An order of somebody who is denied by now is left to grow old. Removes what it and ended orders may have left on
   * the DNS servers: a server that was away, or a process that was killed. Those taken up remove their own.
   */
  resume(): void {
    const { store, challenges } = this.#init
    challenges.sweep(
      store.endedChallenges({
        since: Date.now() - UNANSWERED_AGE_MS_MAX,
        ordersMax: SWEPT_ORDERS_MAX,
      }),
    )
    this.#takeUp()
  }

  #takeUp(): void {
    const now = Date.now()
    const pausedUntil = this.#init.pause.until(now)
    if (pausedUntil !== undefined) {
      this.#resuming = setTimeout(() => this.#takeUp(), pausedUntil - now)
      return
    }
    for (const { state, ...order } of this.#init.store.unfinishedOrders()) {
      const { peer, names } = order
      if (this.#slots.full) return
      if (this.#underWay.has(wantKey(order))) continue
      if (this.#init.denied({ peer, names })) {
        this.#init.challenges.sweep(order.challenges)
        continue
      }
      this.#init.report.orderResumed({ peer, names, state })
      // Its failure is reported by itself; who wants the certificate asks again.
      this.#start(order, order.request).catch(() => {})
    }
  }

  /** Lets go of every order where it stands; the store has what is needed to take it up again. */
  async stop(): Promise<void> {
    clearTimeout(this.#resuming)
    this.#stopping.abort(new Error('the issue server is stopping'))
    await bounded(Promise.allSettled(this.#underWay.values()))
    await bounded(Promise.allSettled(this.#removals))
  }

  #start(want: Want, request: CertificateRequest | undefined): Promise<ObtainedCertificate> {
    if (this.#slots.full) {
      return Promise.reject(
        new RefusalError('RATE_LIMIT', 'as many orders as allowed are under way and waiting'),
      )
    }
    const ofPeer = this.#ordersOfPeers.get(want.peer) ?? 0
    if (ofPeer >= ORDERS_PER_PEER_MAX) {
      // Otherwise one peer could fill all places with orders for ever new keys while the CA is slow.
      const message = `peer has ${ofPeer} orders under way, at most ${ORDERS_PER_PEER_MAX} are allowed`
      return Promise.reject(new RefusalError('RATE_LIMIT', message))
    }
    this.#ordersOfPeers.set(want.peer, ofPeer + 1)
    const key = wantKey(want)
    const order = this.#run(want, request).finally(() => {
      this.#underWay.delete(key)
      const left = (this.#ordersOfPeers.get(want.peer) ?? 1) - 1
      if (left === 0) this.#ordersOfPeers.delete(want.peer)
      else this.#ordersOfPeers.set(want.peer, left)
    })
    this.#underWay.set(key, order)
    return order
  }

  async #run(want: Want, request: CertificateRequest | undefined): Promise<ObtainedCertificate> {
    const { report, orderTimeoutMs } = this.#init
    const startedAt = performance.now()
    const durationMs = (): number => Math.round(performance.now() - startedAt)
    const { peer, names } = want
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(orderTimeoutMs)])
    try {
      await this.#turn(signal)
      try {
        // Those that waited for their turn meanwhile are not let loose on the CA either.
        this.#init.pause.check(Date.now())
        const order = await this.#open(want, request)
        const finishing = this.#finish(order, signal)
        const certificate = await orAbort(finishing, signal, { graceMs: ABORT_GRACE_MS })
        report.certificateIssued({ peer, names, certificate, durationMs: durationMs() })
        return { ...certificate, fromCache: false }
      } finally {
        this.#slots.leave()
      }
    } catch (error) {
      this.#init.pause.note(error, Date.now())
      const refusal = toRefusal(error)
      report.orderFailed({ peer, names, reason: refusal.message, durationMs: durationMs() })
      throw refusal
    }
  }

  /** @throws {RefusalError} RATE_LIMIT when it is not there in time: more is asked for than the CA does. */
  async #turn(signal: AbortSignal): Promise<void> {
    try {
      await this.#slots.enter(signal)
    } catch (cause) {
      if (this.#stopping.signal.aborted) throw cause
      const message = `no order could be begun within ${this.#init.orderTimeoutMs} ms`
      throw new RefusalError('RATE_LIMIT', message, { cause })
    }
  }

  async #open(want: Want, request: CertificateRequest | undefined): Promise<StoredOrder> {
    const { store, ledger } = this.#init
    return (
      store.unfinishedOrder(want) ??
      ledger.createOrder(want, request ?? (await makeCsr(want.names)), Date.now())
    )
  }

  async #finish(opened: StoredOrder, signal: AbortSignal): Promise<StoredCertificate> {
    const { acme, store, ledger, challenges, report } = this.#init
    const steps = {
      updateOrder: store.updateOrder.bind(store),
      saveAccountUrl: store.saveAccountUrl.bind(store),
      predecessor: store.predecessor.bind(store),
      finishOrder: ledger.finishOrder.bind(ledger),
    }
    let order = opened
    const values: ChallengeValue[] = [...opened.challenges]
    try {
      for (let caOrders = 1; ; caOrders += 1) {
        try {
          return await finishOrder(order, {
            acme,
            store: steps,
            challenges,
            signal,
            written: (written) => {
              if (written.orderUrl !== undefined && written.orderUrl !== order.orderUrl) {
                const { peer, names, orderUrl } = written
                report.orderCreated({ peer, names, order: orderUrl })
              }
              if (written.challenges !== order.challenges) values.push(...written.challenges)
              order = written
            },
          })
        } catch (error) {
          if (caOrders === CA_ORDERS_MAX || !isLost(error, opened)) throw error
          order = ledger.reopenOrder(order, failureOf(error), Date.now())
        }
      }
    } catch (error) {
      try {
        if (!signal.aborted && isFinal(error)) {
          ledger.failOrder(order, failureOf(error), Date.now())
        } else {
          // It can still succeed, and waits as it is for the next who asks.
          store.noteError(order, text(error))
        }
      } catch {
        // Such as for a full disk. The order stays as it was, and what becomes of it is found out when it is taken up.
      }
      throw error
    } finally {
      // Whoever takes the order up removes them. Without them its validation would fail, and another order be made.
      const caMayLook = this.#stopping.signal.aborted && STATES_OF_VALIDATION.has(order.state)
      if (!caMayLook) {
        // An earlier process may have set them, and this one need not have set them again.
        this.#init.challenges.sweep(opened.challenges)
        this.#remove(values)
      }
    }
  }

  /** In the background: nobody waits for it but a server that stops. */
  #remove(values: readonly ChallengeValue[]): void {
    if (values.length === 0) return
    // A value that was taken over from an earlier process and set again is in the list twice.
    const distinct = new Map(values.map((value) => [`${value.name} ${value.value}`, value]))
    const removal = this.#init.challenges
      .withdraw([...distinct.values()])
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

/** Whether a new order in place of this one can help: the CA has lost it, or it failed before this run. */
function isLost(error: unknown, opened: StoredOrder): boolean {
  if (error instanceof AcmeOrderInvalidError) return opened.orderUrl === error.orderUrl
  return error instanceof AcmeError && error.action === 'reset'
}

/** Whether the order as it is can never succeed. A refusal of our own, as when no DNS server works, can pass. */
function isFinal(error: unknown): boolean {
  if (error instanceof AcmeError) return error.action === 'final'
  return error instanceof CertificateMismatchError
}

/** What the caller is told (NT-ISSUE-027); the message stays in our log. */
function toRefusal(error: unknown): RefusalError {
  if (error instanceof RefusalError) return error
  return new RefusalError(isRateLimit(error) ? 'RATE_LIMIT' : 'OTHER', text(error), {
    cause: error,
  })
}

function wantKey({ peer, names, keyChoice }: Want): string {
  return JSON.stringify([peer, names, keyChoice])
}

function failureOf(error: unknown): OrderFailure {
  const failedNames = error instanceof AcmeOrderInvalidError ? error.failedNames : []
  return { error: text(error), failedNames }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function bounded(work: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(over.resolve, STOP_TIMEOUT_MS)
  await Promise.race([work, over.promise])
  clearTimeout(timer)
}
