// Orders for tests, with what they did to be looked at. The CA is one in memory: what Pebble does is tested in
// issue.real.test.ts.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Test } from 'tap'
import { RefusalError } from '../wire/errors.ts'
import { AcmeProblemError } from './acme/index.ts'
import { budgetRules, type BudgetsInit } from './budgets.ts'
import { CaPause, type CaPaused } from './ca-pause.ts'
import { checkCsr, type CertificateRequest } from './csr.ts'
import { Ledger, type BudgetExhausted } from './ledger.ts'
import { Orders, type OrdersInit } from './orders.ts'
import type { ChallengeValue } from './records.ts'
import { Store } from './store.ts'
import type { FakeCa } from './testing-ca.ts'
import { makeCaller, makeClientCsr, ZONE } from './testing.ts'

export const DIRECTORY_URL = 'https://ca/directory'
export const proofKey = await generateKeyPair('Ed25519')
export const never = new Promise<void>(() => {})

export interface Bench {
  readonly orders: Orders
  readonly events: string[]
  /** Values that stand on the DNS servers. */
  readonly standing: Set<string>
  /** Values that a start removed once more. */
  readonly swept: ChallengeValue[]
  readonly ledger: Ledger
  readonly exhausted: BudgetExhausted[]
  readonly pauses: CaPaused[]
}

export function openOrders(
  t: Test,
  ca: FakeCa,
  store: Store,
  { budgets, ...options }: Partial<OrdersInit> & { readonly budgets?: BudgetsInit } = {},
): Bench {
  const exhausted: BudgetExhausted[] = []
  const ledger = new Ledger({
    store,
    rules: budgetRules(budgets, DIRECTORY_URL),
    zone: ZONE,
    exhausted: (detail) => exhausted.push(detail),
  })
  const pauses: CaPaused[] = []
  const events: string[] = []
  const standing = new Set<string>()
  const swept: ChallengeValue[] = []
  const key = ({ name, value }: ChallengeValue): string => `${name} ${value}`
  const orders = new Orders({
    acme: ca,
    store,
    ledger,
    pause: new CaPause({ rows: store.budgets, paused: (detail) => pauses.push(detail) }),
    denied: () => false,
    challenges: {
      publish: (values) => {
        for (const value of values) standing.add(key(value))
        return Promise.resolve()
      },
      withdraw: (values) => {
        for (const value of values) standing.delete(key(value))
        return Promise.resolve()
      },
      sweep: (values) => void swept.push(...values),
    },
    report: {
      orderCreated: () => events.push('created'),
      orderResumed: ({ state }) => events.push(`resumed ${state}`),
      orderFailed: ({ reason }) => events.push(`failed ${reason}`),
      certificateIssued: () => events.push('issued'),
    },
    orderTimeoutMs: 20_000,
    runningMax: 32,
    waitingMax: 32,
    ...options,
  })
  // Not waited for: some tests leave steps that never end.
  t.teardown(() => {
    orders.stop().catch(() => {})
  })
  return { orders, events, standing, swept, ledger, exhausted, pauses }
}

export function openStore(t: Test, path = ':memory:'): Store {
  const store = new Store({ path, directoryUrl: DIRECTORY_URL })
  store.saveAccountUrl('none')
  t.teardown(() => store.close())
  return store
}

/** A want of its own and the request for it. */
export async function makeWant(): Promise<{
  readonly peer: string
  readonly names: readonly string[]
  readonly request: CertificateRequest
}> {
  const { privateKey, names } = await makeCaller(proofKey)
  const own = names(['8.8.8.8', '2600::1'])
  const request = checkCsr(await makeClientCsr(own), { names: own })
  return { peer: privateKey.publicKey.toString(), names: own, request }
}

export async function outcome(
  obtaining: Promise<{ readonly fromCache: boolean }>,
): Promise<string> {
  try {
    return (await obtaining).fromCache ? 'cached' : 'new'
  } catch (error) {
    if (error instanceof RefusalError) return error.code
    throw error
  }
}

/** As time would. */
export function endPause(store: Store): void {
  store.budgets.save('pausedByCa', '', undefined)
}

export const problem = (type: string, status: number, resource: 'newOrder' | 'order' = 'order') =>
  new AcmeProblemError({
    problem: { type: `urn:ietf:params:acme:error:${type}` },
    status,
    resource,
  })
