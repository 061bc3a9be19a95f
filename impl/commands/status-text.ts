import type {
  BlockedNameStatus,
  BudgetStatus,
  CertificateStatus,
  OrderStatus,
  Status,
} from '../status/index.ts'

/** A person reads so many; `--json` has more. */
const LINES_MAX = 20
const SECOND_MS = 1_000
const UNITS = [
  ['d', 24 * 3_600 * SECOND_MS],
  ['h', 3_600 * SECOND_MS],
  ['min', 60 * SECOND_MS],
] as const

/** A status for a terminal. Times are UTC, and in words from `now` (ms since 1970). */
export function statusText(status: Status, { now }: { readonly now: number }): string {
  const { zone, servers, ca, dnsServers, problems } = status
  const lines = [
    row('zone', zone ?? 'none'),
    ...(servers === undefined
      ? []
      : [row('servers', servers.problems.length === 0 ? 'healthy' : 'not healthy, see below')]),
    ...(ca === undefined
      ? []
      : [
          row(
            'CA',
            `${ca.directoryUrl} ${ca.problem === undefined ? 'answers' : 'does not answer'}`,
          ),
        ]),
    ...dnsServers.map(({ address, port, answer, problem, inStep }, index) =>
      row(
        index === 0 ? 'DNS servers' : '',
        `${address} port ${port}: ${answer ?? problem ?? ''}${inStep ? ', in step' : ', NOT in step'}`,
      ),
    ),
  ]
  if (ca !== undefined) {
    lines.push(
      row('certificates', String(status.certificateCount)),
      ...certificateLines(status.certificates, now),
      ...more(status.certificateCount),
      row('orders', `${status.orderCount} unfinished`),
      ...orderLines(status.orders, now),
      ...more(status.orderCount),
      ...budgetLines(status, now),
      ...blockedLines(status, now),
    )
  }
  lines.push(...problems.map((problem, index) => row(index === 0 ? 'problems' : '', problem)))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function certificateLines(certificates: readonly CertificateStatus[], now: number): string[] {
  return certificates
    .slice(0, LINES_MAX)
    .flatMap(({ peer, names, ends, renews, replaced }) => [
      `  ${peer}`,
      `    ${names.join(' ')}`,
      `    ends ${moment(ends, now)}, ${replaced ? 'replaced by a newer one' : `renews about ${moment(renews, now)}`}`,
    ])
}

function orderLines(orders: readonly OrderStatus[], now: number): string[] {
  return orders
    .slice(0, LINES_MAX)
    .flatMap(({ peer, names, state, since, error }) => [
      `  ${peer}`,
      `    ${names.join(' ')}`,
      `    ${state} since ${moment(since, now)}${error === undefined ? '' : `: ${error}`}`,
    ])
}

/**
 * The budgets that all share, and those of single sets and domains that have nothing left; single names are among the
 * blocked.
 */
function budgetLines({ zone, budgets }: Status, now: number): string[] {
  const shown = budgets.filter(
    ({ budget, key, left }) =>
      key === '' || key === zone || (left === 0 && budget !== 'failedValidationsPerName'),
  )
  return [
    ...shown
      .slice(0, LINES_MAX)
      .map((budget, index) => row(index === 0 ? 'budgets' : '', budgetText(budget, now))),
    ...more(shown.length),
  ]
}

/** `49 of 50 new certificates left for nt.example.org, one more 2026-10-01 12:00 (in 3 h)` */
function budgetText({ budget, key, count, left, next }: BudgetStatus, now: number): string {
  const when =
    next === undefined ? '' : `, ${left === 0 ? 'the next' : 'one more'} ${moment(next, now)}`
  return `${left === 0 ? 'NONE' : left} of ${count} ${BUDGET_WORDS[budget]} ${key}`.trimEnd() + when
}

const BUDGET_WORDS: Readonly<Record<BudgetStatus['budget'], string>> = {
  ordersPerAccount: 'orders left for the account',
  certificatesPerDomain: 'new certificates left for',
  certificatesPerSet: 'certificates left for exactly',
  failedValidationsPerName: 'failed validations left for',
}

function blockedLines({ blockedNames, blockedNameCount }: Status, now: number): string[] {
  if (blockedNameCount === 0) return []
  return [
    row('blocked', `${blockedNameCount} ${blockedNameCount === 1 ? 'name' : 'names'}`),
    ...blockedNames.slice(0, LINES_MAX).flatMap((name) => blockedText(name, now)),
    ...more(blockedNameCount),
  ]
}

function blockedText({ name, peer, failures, until }: BlockedNameStatus, now: number): string[] {
  const times = `${failures} failed ${failures === 1 ? 'validation' : 'validations'}`
  const by = peer === undefined ? '' : `, asked for by ${peer}`
  return [`  ${name}`, `    until ${moment(until, now)} after ${times}${by}`]
}

function more(count: number): string[] {
  return count <= LINES_MAX ? [] : [`  and ${count - LINES_MAX} more (--json has them)`]
}

function row(head: string, text: string): string {
  return `${head.padEnd(14)}${text}`
}

/** `2026-10-01 12:00 (in 20 d)` */
function moment(time: string, now: number): string {
  const ms = Date.parse(time) - now
  const length = Math.abs(ms)
  const [unit, unitMs] = UNITS.find(([, unitLength]) => length >= unitLength) ?? ['s', SECOND_MS]
  const words = `${Math.floor(length / unitMs)} ${unit}`
  return `${time.slice(0, 16).replace('T', ' ')} (${ms >= 0 ? `in ${words}` : `${words} ago`})`
}
