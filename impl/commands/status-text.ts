import type { CertificateStatus, OrderStatus, Status } from '../status/index.ts'

/** A person reads so many; `--json` has more. */
const LINES_MAX = 20
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

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
    )
  }
  lines.push(...problems.map((problem, index) => row(index === 0 ? 'problems' : '', problem)))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function certificateLines(certificates: readonly CertificateStatus[], now: number): string[] {
  return certificates
    .slice(0, LINES_MAX)
    .flatMap(({ peer, names, ends, renews }) => [
      `  ${peer}`,
      `    ${names.join(' ')}`,
      `    ends ${moment(ends, now)}, renews about ${moment(renews, now)}`,
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
  const [unit, unitMs] =
    length >= DAY_MS ? ['d', DAY_MS] : length >= HOUR_MS ? ['h', HOUR_MS] : ['min', MINUTE_MS]
  const words = `${Math.floor(length / Number(unitMs))} ${unit}`
  return `${time.slice(0, 16).replace('T', ' ')} (${ms >= 0 ? `in ${words}` : `${words} ago`})`
}
