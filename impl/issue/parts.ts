import type { Logger } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { KeyObject } from 'node:crypto'
import { accountKey } from './account-key.ts'
import { AcmeClient } from './acme/index.ts'
import { Admission } from './admission.ts'
import { budgetRules } from './budgets.ts'
import { CaPause } from './ca-pause.ts'
import { Challenges } from './challenges.ts'
import { issuedDetail, type IssueServerEvents } from './events.ts'
import type { IssueServerInit } from './init.ts'
import { Ledger } from './ledger.ts'
import { Orders, type OrdersInit } from './orders.ts'
import { Renewals } from './renewals.ts'
import { StoreLock } from './store-lock.ts'
import { Store } from './store.ts'

/** What an issue server is made of from its start to its stop, its streams aside. */
export interface Parts {
  readonly store: Store
  readonly ledger: Ledger
  readonly pause: CaPause
  readonly admission: Admission
  readonly challenges: Challenges
  readonly orders: Orders
  readonly renewals: Renewals
  close(): Promise<void>
}

/** What the parts need of their server. */
export interface PartsContext {
  readonly zone: string
  readonly connectionManager: Pick<ConnectionManager, 'openStream'>
  readonly log: Logger
  readonly tell: Tell
}

type Tell = <K extends keyof IssueServerEvents>(
  type: K,
  detail: IssueServerEvents[K]['detail'],
) => void

const ORDER_TIMEOUT_MS = 120_000
const ORDERS_RUNNING_MAX = 32
const ORDERS_WAITING_MAX = 512
const PRUNE_INTERVAL_MS = 3_600_000

/** @throws {Error} when the store cannot be used. */
export function openParts(
  init: IssueServerInit,
  { zone, connectionManager, log, tell }: PartsContext,
): Parts {
  const { acme: acmeInit, dnsServers } = init
  const { lock, store, key } = openStore(init)
  const pruning = keepPruned(store, log)
  const acme = new AcmeClient({ ...acmeInit, accountKey: key })
  const challenges = new Challenges(dnsServers, {
    connectionManager,
    report: {
      challengeSet: (detail) => tell('challenge:set', detail),
      challengeRemoved: (detail) => tell('challenge:removed', detail),
      challengeFailed: (detail) => {
        const { name, server, reason } = detail
        log.error('challenge for %s failed on dns server %s: %s', name, server, reason)
        tell('challenge:failed', detail)
      },
    },
  })
  const ledger = new Ledger({
    store,
    rules: budgetRules(init.budgets, acmeInit.directoryUrl),
    zone,
    exhausted: (detail) => tell('budget:exhausted', detail),
  })
  const pause = new CaPause({
    rows: store.budgets,
    paused: (detail) => tell('ca:paused', detail),
  })
  const admission = new Admission(init, {
    loaded: (detail) => tell('denylist:loaded', detail),
    broken: (detail) => tell('denylist:broken', detail),
  })
  const renewals = new Renewals({
    acme,
    rows: store.renewals,
    pause,
    suggested: (detail) => tell('renewal:suggested', detail),
    log,
  })
  const orders = new Orders({
    store,
    ledger,
    pause,
    acme,
    challenges,
    denied: (order) => admission.denies(order),
    report: orderReport({ log, tell }),
    orderTimeoutMs: init.orderTimeoutMs ?? ORDER_TIMEOUT_MS,
    runningMax: init.ordersRunningMax ?? ORDERS_RUNNING_MAX,
    waitingMax: init.ordersWaitingMax ?? ORDERS_WAITING_MAX,
  })
  return {
    store,
    ledger,
    pause,
    admission,
    challenges,
    orders,
    renewals,
    async close() {
      clearInterval(pruning)
      admission.stop()
      challenges.close()
      await acme.close()
      store.close()
      lock.release()
    },
  }
}

/** What was opened is closed again when the rest cannot be: the next start begins from the beginning. */
function openStore({ acme, storePath }: IssueServerInit): {
  readonly lock: StoreLock
  readonly store: Store
  readonly key: KeyObject
} {
  using opened = new DisposableStack()
  const lock = opened.adopt(new StoreLock(storePath), (held) => held.release())
  const store = opened.adopt(
    new Store({ path: storePath, directoryUrl: acme.directoryUrl }),
    (open) => open.close(),
  )
  const key = accountKey(store)
  opened.move()
  return { lock, store, key }
}

function keepPruned(store: Store, log: Logger): NodeJS.Timeout {
  const prune = (): void => {
    try {
      store.prune(Date.now())
    } catch (error) {
      log.error('cannot prune the store - %e', error)
    }
  }
  prune()
  const pruning = setInterval(prune, PRUNE_INTERVAL_MS)
  pruning.unref()
  return pruning
}

function orderReport({ log, tell }: Pick<PartsContext, 'log' | 'tell'>): OrdersInit['report'] {
  return {
    orderCreated: (detail) => tell('order:created', detail),
    orderResumed: (detail) => tell('order:resumed', detail),
    orderFailed: (detail) => {
      log.error('order of %s failed: %s', detail.peer, detail.reason)
      tell('order:failed', detail)
    },
    certificateIssued: ({ certificate, ...order }) =>
      tell('certificate:issued', issuedDetail(order, { ...certificate, fromCache: false })),
  }
}
