import type { BudgetRows } from './budget-rows.ts'
import {
  BUDGET_NAMES,
  budgetLeft,
  usedUpFrom,
  waitsUntil,
  type BudgetName,
  type BudgetRules,
} from './budgets.ts'

// How far the budgets are used, for those who look: the issue server itself, and readers of its store.

/** How far a budget is used up. */
export interface BudgetState {
  readonly budget: BudgetName
  /** What it is counted for: a domain, a name, the names of a set; empty for the account. */
  readonly key: string
  readonly count: number
  readonly periodMs: number
  readonly left: number
  /** When the next one comes back, in ms since 1970; absent where none is used. */
  readonly nextAt?: number
}

/** A budget of all its keys together. */
export interface BudgetTotal {
  readonly budget: BudgetName
  readonly count: number
  /** The least that any key has left. */
  readonly leastLeft: number
  /** Keys that have nothing left. */
  readonly usedUp: number
}

/** A name that no order is made for, because its validation has failed. */
export interface BlockedName {
  readonly name: string
  /** In a row. */
  readonly failures: number
  /** In ms since 1970. */
  readonly until: number
}

export interface BudgetScope {
  readonly rules: BudgetRules
  readonly zone: string
}

/** Budgets of sets and names that are listed: those that are used most. */
const STATE_KEYS_MAX = 100

/** That of the account, that of the zone, and of the others those that are used most. */
export function budgetStates(
  rows: BudgetRows,
  { rules, zone }: BudgetScope,
  now: number,
): readonly BudgetState[] {
  const states = BUDGET_NAMES.flatMap((budget) => {
    const rule = rules[budget]
    if (rule === undefined) return []
    const kept = new Map<string, number | undefined>(
      rows.mostUsed(budget, { countMax: STATE_KEYS_MAX }).map(({ key, fullAt }) => [key, fullAt]),
    )
    if (budget === 'ordersPerAccount') kept.set('', kept.get(''))
    if (budget === 'certificatesPerDomain' && !rules.zoneIsPublicSuffix) {
      kept.set(zone, kept.get(zone))
    }
    return [...kept].map(([key, fullAt]): BudgetState => {
      const { left, nextAt } = budgetLeft(fullAt, rule, now)
      const next = left === rule.count ? {} : { nextAt: Math.ceil(nextAt) }
      return { budget, key, ...rule, left, ...next }
    })
  })
  // A budget for each set or name that is whole says nothing.
  return states.filter(
    ({ budget, key, left, count }) => left < count || budget === 'ordersPerAccount' || key === zone,
  )
}

/** One for each budget that there is, however many keys it is counted for. */
export function budgetTotals(
  rows: BudgetRows,
  rules: BudgetRules,
  now: number,
): readonly BudgetTotal[] {
  return BUDGET_NAMES.flatMap((budget) => {
    const rule = rules[budget]
    if (rule === undefined) return []
    const [most] = rows.mostUsed(budget, { countMax: 1 })
    const { left: leastLeft } = budgetLeft(most?.fullAt, rule, now)
    const usedUp = rows.fullAfter(budget, usedUpFrom(rule, now)).length
    return [{ budget, count: rule.count, leastLeft, usedUp }]
  })
}

/** Those that wait longest first. */
export function blockedNames(
  rows: BudgetRows,
  rules: BudgetRules,
  now: number,
): readonly BlockedName[] {
  const { validationBackOffMs, failedValidationsPerName: rule } = rules
  const until = new Map<string, number>()
  for (const { name, ...failures } of rows.failedAfter(now - Math.max(0, ...validationBackOffMs))) {
    until.set(name, waitsUntil(failures, validationBackOffMs, now))
  }
  if (rule !== undefined) {
    for (const { key, fullAt } of rows.fullAfter(
      'failedValidationsPerName',
      usedUpFrom(rule, now),
    )) {
      until.set(key, Math.max(until.get(key) ?? 0, Math.ceil(budgetLeft(fullAt, rule, now).nextAt)))
    }
  }
  return [...until]
    .filter(([, time]) => time > now)
    .map(([name, time]) => ({ name, failures: rows.failures(name).failures, until: time }))
    .toSorted((a, b) => b.until - a.until)
}
