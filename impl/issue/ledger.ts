import { RefusalError } from '../wire/errors.ts'
import { budgetStates, type BudgetState } from './budget-state.ts'
import {
  budgetLeft,
  givenBack,
  used,
  waitsUntil,
  type BudgetName,
  type BudgetRules,
} from './budgets.ts'
import type { Certificate } from './certificates.ts'
import type { CertificateRequest } from './csr.ts'
import type { StoredCertificate, StoredOrder, Want } from './records.ts'
import type { Store } from './store.ts'

/** A budget that refuses, or the wait of a name whose validation failed. */
export interface BudgetExhausted {
  readonly budget: BudgetName | 'validationBackOff'
  /** What it is counted for: a domain, a name, the names of a set; empty for the account. */
  readonly key: string
  /** From when on there is one again, in ms since 1970. */
  readonly retryAt: number
}

/** Why an order does not go on. */
export interface OrderFailure {
  readonly error: string
  /** Names whose validation failed. */
  readonly failedNames: readonly string[]
}

export interface LedgerInit {
  readonly store: Store
  readonly rules: BudgetRules
  readonly zone: string
  /** Told once of each budget that refuses, and again when it does so after it had something. */
  readonly exhausted: (detail: BudgetExhausted & { readonly peer: string }) => void
}

/** Budgets whose exhaustion is remembered as told. Past that the oldest may be told again. */
const TOLD_MAX = 1_000

/**
 * Keeps an issue server below the limits of its CA: who runs into those is locked out for up to a
 * week. What an order uses is written together with the order, in one transaction: an order that is taken
 * up after a crash has been counted, and is not counted again.
 *
 * A certificate is counted when its order begins, so that orders under way cannot use the last one twice, and given
 * back when the order fails for good.
 */
export class Ledger {
  readonly #init: LedgerInit
  /** Until when an exhausted budget was told, in ms since 1970. */
  readonly #told = new Map<string, number>()

  constructor(init: LedgerInit) {
    this.#init = init
  }

  /**
   * Whether a new order for these names may be made at `now`.
   * @throws {RefusalError} RATE_LIMIT
   */
  check(want: Want, now: number): void {
    this.#refuseExhausted(want, this.#uses(want, now), now)
  }

  /**
   * Opens an order and counts it.
   * @throws {RefusalError} RATE_LIMIT, and nothing is written.
   */
  createOrder(want: Want, request: CertificateRequest, now: number): StoredOrder {
    const { store } = this.#init
    return store.transaction(() => {
      const uses = this.#uses(want, now)
      this.#refuseExhausted(want, uses, now)
      for (const { budget, key } of uses) this.#change(budget, key, now, used)
      return store.createOrder(want, request, now)
    })
  }

  /**
   * Forgets an order that the CA has lost, or that failed there, and counts the one that takes its place.
   * @throws {RefusalError} RATE_LIMIT: then the order has failed, so that nothing of it is counted once more.
   */
  reopenOrder(order: StoredOrder, failure: OrderFailure, now: number): StoredOrder {
    const { store } = this.#init
    const reopened = store.transaction(() => {
      this.#noteFailures(order, failure.failedNames, now)
      // Its certificate is counted already.
      const uses = order.renewal ? [] : [ACCOUNT]
      try {
        this.#refuseExhausted(order, uses, now)
      } catch (refusal) {
        this.#fail(order, failure, now)
        return refusal as RefusalError
      }
      for (const { budget, key } of uses) this.#change(budget, key, now, used)
      const { error } = failure
      // Its challenges stay written until they are removed: this process may not live to do it.
      return store.updateOrder(order, { state: 'created', orderUrl: null, error }, now)
    })
    if (reopened instanceof RefusalError) throw reopened
    return reopened
  }

  /** Ends an order that can never succeed: the CA will not count a certificate for it. */
  failOrder(order: StoredOrder, failure: OrderFailure, now: number): void {
    this.#init.store.transaction(() => {
      this.#noteFailures(order, failure.failedNames, now)
      this.#fail(order, failure, now)
    })
  }

  /** Ends an order with its certificate. */
  finishOrder(order: StoredOrder, certificate: Certificate, now: number): StoredCertificate {
    const { store } = this.#init
    return store.transaction(() => {
      for (const name of order.names) store.budgets.forgetFailures(name)
      for (const { budget, key } of this.#certificateUses(order)) {
        // The CA counts from now on; the order may have begun days ago.
        this.#change(budget, key, now, (fullAt, rule) =>
          used(givenBack(fullAt, rule, now), rule, now),
        )
      }
      return store.finishOrder(order, certificate, now)
    })
  }

  /** How far each budget is used: see {@link budgetStates}. */
  state(now: number): readonly BudgetState[] {
    return budgetStates(this.#init.store.budgets, this.#init, now)
  }

  #refuseExhausted(want: Want, uses: readonly Use[], now: number): void {
    const exhausted = [...this.#exhausted(uses, now), ...this.#waits(want.names, now)]
    // As Let's Encrypt does, the one that lasts longest is told.
    const [longest] = exhausted.toSorted((a, b) => b.retryAt - a.retryAt)
    if (longest === undefined) return
    const { budget, key, retryAt } = longest
    this.#tell({ ...longest, peer: want.peer }, now)
    const of = key === '' ? '' : ` of "${key}"`
    throw new RefusalError(
      'RATE_LIMIT',
      `budget ${budget}${of} is used up, the next is free at ${new Date(retryAt).toISOString()}`,
    )
  }

  #exhausted(uses: readonly Use[], now: number): BudgetExhausted[] {
    const { rules, store } = this.#init
    return uses.flatMap(({ budget, key }) => {
      const rule = rules[budget]
      if (rule === undefined) return []
      const { left, nextAt } = budgetLeft(store.budgets.fullAt(budget, key), rule, now)
      return left > 0 ? [] : [{ budget, key, retryAt: Math.ceil(nextAt) }]
    })
  }

  /** What holds up an order that uses nothing more of it: names that failed. */
  #waits(names: readonly string[], now: number): BudgetExhausted[] {
    const { rules, store } = this.#init
    const waits = names.flatMap((key): BudgetExhausted[] => {
      const retryAt = waitsUntil(store.budgets.failures(key), rules.validationBackOffMs, now)
      return retryAt > now ? [{ budget: 'validationBackOff', key, retryAt }] : []
    })
    const failed = names.map((key): Use => ({ budget: 'failedValidationsPerName', key }))
    return [...waits, ...this.#exhausted(failed, now)]
  }

  #fail(order: StoredOrder, { error }: OrderFailure, now: number): void {
    for (const { budget, key } of this.#certificateUses(order)) {
      this.#change(budget, key, now, givenBack)
    }
    this.#init.store.updateOrder(order, { state: 'failed', error }, now)
  }

  #noteFailures(order: StoredOrder, names: readonly string[], now: number): void {
    for (const name of names) {
      if (!order.names.includes(name)) continue
      this.#init.store.budgets.addFailure(name, now)
      this.#change('failedValidationsPerName', name, now, used)
    }
  }

  /** Everything that a new order uses. */
  #uses(want: Want, now: number): readonly Use[] {
    const renewal = this.#init.store.isRenewal(want, now)
    return [...(renewal ? [] : [ACCOUNT]), ...this.#certificateUses({ ...want, renewal })]
  }

  /** A renewal of exactly the same names is counted for the set only: Let's Encrypt exempts it from the rest. */
  #certificateUses({ names, renewal }: Pick<StoredOrder, 'names' | 'renewal'>): readonly Use[] {
    const { zone, rules } = this.#init
    const domains = rules.zoneIsPublicSuffix ? names : [zone]
    return [
      ...(renewal ? [] : domains.map((key): Use => ({ budget: 'certificatesPerDomain', key }))),
      { budget: 'certificatesPerSet', key: names.join(' ') },
    ]
  }

  #change(
    budget: BudgetName,
    key: string,
    now: number,
    change: typeof used | typeof givenBack,
  ): void {
    const { store, rules } = this.#init
    const rule = rules[budget]
    if (rule !== undefined)
      store.budgets.save(budget, key, change(store.budgets.fullAt(budget, key), rule, now))
  }

  #tell(detail: BudgetExhausted & { readonly peer: string }, now: number): void {
    const told = `${detail.budget} ${detail.key}`
    if ((this.#told.get(told) ?? 0) > now) return
    this.#told.delete(told)
    this.#told.set(told, detail.retryAt)
    const [oldest] = this.#told.keys()
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest)
    this.#init.exhausted(detail)
  }
}

interface Use {
  readonly budget: BudgetName
  readonly key: string
}

const ACCOUNT: Use = { budget: 'ordersPerAccount', key: '' }
