// What a CA lets us have, as decisions on numbers: nothing here knows a clock, a store or a CA. ledger.ts keeps the
// numbers.

/** So many at once; what was used comes back evenly, all of it within `periodMs`. */
export interface Budget {
  readonly count: number
  readonly periodMs: number
}

/** What is counted, each as Let's Encrypt counts it: https://letsencrypt.org/docs/rate-limits/ */
export const BUDGET_NAMES = [
  /** Orders of our account. */
  'ordersPerAccount',
  /** Certificates with a name of one registered domain, whoever orders them. */
  'certificatesPerDomain',
  /** Certificates for exactly the same names. */
  'certificatesPerSet',
  /** Validations of one name that failed. */
  'failedValidationsPerName',
] as const

export type BudgetName = (typeof BUDGET_NAMES)[number]

/** Budgets of known CAs. */
export const BUDGET_PRESETS = ['letsencrypt', 'letsencrypt-staging', 'none'] as const
export type BudgetPreset = (typeof BUDGET_PRESETS)[number]

/** Which budgets an issue server keeps to; what is left out is as in the preset. */
export type BudgetsInit = BudgetPreset | BudgetOptions

export interface BudgetOptions extends Readonly<Partial<Record<BudgetName, Budget | 'none'>>> {
  /** @default that of the CA whose directory it is; `none` for a CA that we do not know */
  readonly preset?: BudgetPreset
  /** Waits after the first, second, … failed validation of a name in a row, in ms; the last one holds for all after it. */
  readonly validationBackOffMs?: readonly number[]
  /**
   * Whether the zone is on the Public Suffix List: then each name directly below it is a registered domain of its own.
   * @default false
   */
  readonly zoneIsPublicSuffix?: boolean
}

/** What an issue server keeps to. A budget that is absent has no limit. */
export interface BudgetRules extends Readonly<Partial<Record<BudgetName, Budget>>> {
  readonly validationBackOffMs: readonly number[]
  readonly zoneIsPublicSuffix: boolean
}

/** The directories of CAs that have a name here. */
export const CERTIFICATE_AUTHORITIES: ReadonlyMap<string, string> = new Map([
  ['letsencrypt', 'https://acme-v02.api.letsencrypt.org/directory'],
  ['letsencrypt-staging', 'https://acme-staging-v02.api.letsencrypt.org/directory'],
])

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WEEK_MS = 7 * 24 * HOUR_MS

/** As Let's Encrypt asks of integrators, but for the fourth wait, which is a day there: a mended DNS server should not wait so long. */
const VALIDATION_BACK_OFF_MS = [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS]

const PRESETS: Readonly<Record<BudgetPreset, Omit<BudgetRules, 'zoneIsPublicSuffix'>>> = {
  letsencrypt: {
    ordersPerAccount: { count: 300, periodMs: 3 * HOUR_MS },
    certificatesPerDomain: { count: 50, periodMs: WEEK_MS },
    certificatesPerSet: { count: 5, periodMs: WEEK_MS },
    failedValidationsPerName: { count: 5, periodMs: HOUR_MS },
    validationBackOffMs: VALIDATION_BACK_OFF_MS,
  },
  'letsencrypt-staging': {
    ordersPerAccount: { count: 1_500, periodMs: 3 * HOUR_MS },
    certificatesPerDomain: { count: 30_000, periodMs: 1_000 },
    certificatesPerSet: { count: 30_000, periodMs: WEEK_MS },
    failedValidationsPerName: { count: 200, periodMs: HOUR_MS },
    validationBackOffMs: VALIDATION_BACK_OFF_MS,
  },
  // A test network fails and recovers as fast as it can.
  none: { validationBackOffMs: [] },
}

/**
 * The rules for an issue server's options.
 * @throws {RangeError} that names the option.
 */
export function budgetRules(init: BudgetsInit | undefined, directoryUrl: string): BudgetRules {
  const options: BudgetOptions = typeof init === 'string' ? { preset: init } : (init ?? {})
  const preset = PRESETS[options.preset ?? presetOf(directoryUrl)]
  const budgets: Partial<Record<BudgetName, Budget>> = {}
  for (const name of BUDGET_NAMES) {
    const budget = options[name] ?? preset[name]
    if (budget === undefined || budget === 'none') continue
    if (!(budget.count >= 1) || !(budget.periodMs > 0)) {
      throw new RangeError(
        `budgets.${name} is ${budget.count} in ${budget.periodMs} ms; wanted at least 1 in more than 0 ms`,
      )
    }
    budgets[name] = budget
  }
  return {
    ...budgets,
    validationBackOffMs: options.validationBackOffMs ?? preset.validationBackOffMs,
    zoneIsPublicSuffix: options.zoneIsPublicSuffix ?? false,
  }
}

function presetOf(directoryUrl: string): BudgetPreset {
  const known = [...CERTIFICATE_AUTHORITIES].find(([, url]) => url === directoryUrl)?.[0]
  return BUDGET_PRESETS.find((preset) => preset === known) ?? 'none'
}

// A budget is a token bucket, as at Let's Encrypt, and all that has to be kept of one is when it will be full again
// (ms since 1970). One that is full need not be kept: `undefined`.

/** What is left of a budget, and when the next one comes back. */
export interface BudgetLeft {
  readonly left: number
  /** In ms since 1970; not after `now` where nothing is used. */
  readonly nextAt: number
}

export function budgetLeft(fullAt: number | undefined, budget: Budget, now: number): BudgetLeft {
  const intervalMs = budget.periodMs / budget.count
  const end = sane(fullAt, budget, now)
  const missing = Math.min(budget.count, Math.ceil((end - now) / intervalMs))
  return { left: budget.count - missing, nextAt: end - Math.max(0, missing - 1) * intervalMs }
}

/** A budget that is full again later than that has nothing left now. */
export function usedUpFrom({ count, periodMs }: Budget, now: number): number {
  return now + ((count - 1) * periodMs) / count
}

/** One more is used. Using more than there is leaves nothing, and no debt. */
export function used(fullAt: number | undefined, budget: Budget, now: number): number {
  const next = sane(fullAt, budget, now) + budget.periodMs / budget.count
  return Math.min(next, now + budget.periodMs)
}

/** One comes back that was not needed. */
export function givenBack(
  fullAt: number | undefined,
  budget: Budget,
  now: number,
): number | undefined {
  const previous = sane(fullAt, budget, now) - budget.periodMs / budget.count
  return previous > now ? previous : undefined
}

/** A clock that was wrong for a while must not close a budget for longer than an empty one takes to fill. */
function sane(fullAt: number | undefined, { periodMs }: Budget, now: number): number {
  return Math.min(Math.max(fullAt ?? now, now), now + periodMs)
}

/** Failed validations of a name. */
export interface Failures {
  /** In a row. */
  readonly failures: number
  /** The last one, in ms since 1970. */
  readonly failedAt: number
}

/** Until when a name waits that has failed, in ms since 1970. */
export function waitsUntil(
  { failures, failedAt }: Failures,
  steps: readonly number[],
  now: number,
): number {
  // A failure in the future is a clock that was set back.
  return Math.min(failedAt, now) + backOffMs(failures, steps)
}

/** How long a name waits after so many failed validations in a row. */
export function backOffMs(failures: number, steps: readonly number[]): number {
  return steps[Math.min(failures, steps.length) - 1] ?? 0
}
