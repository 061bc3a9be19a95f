// What is counted and refused, as Let's Encrypt does: https://letsencrypt.org/docs/rate-limits/.
import type { Limit } from './buckets.ts'
import type { Settings } from './options.ts'
import { registeredDomain } from './names.ts'
import { Problem } from './problems.ts'
import { nameSetKey, type Account, type Authorization, type Ca, type Order } from './state.ts'

/** Counts a new account. @throws {Problem} rateLimited */
export function limitNewAccount(ca: Ca, address: string): void {
  const { accountsPerAddress: limit } = ca.settings.limits ?? {}
  if (limit === undefined) return
  const key = `account ${address}`
  refuse(ca, [{ key, limit, what: `new registrations (${limit.count}) from this IP address` }])
  ca.state.limits.spend(key, limit, Date.now())
}

/** A certificate that an order says it takes the place of, and whether its time has come (RFC 9773). */
export interface Replacement {
  readonly inWindow: boolean
}

/**
 * Counts a new order.
 *
 * @returns what its certificate is spared of: `all` where it is renewed when the CA wants that, `renewal` where the same
 *   names were certified before
 * @throws {Problem} rateLimited, for the limit that is over last
 */
export function limitOrder(
  ca: Ca,
  asked: {
    readonly account: Account
    readonly names: readonly string[]
    readonly replacement: Replacement | undefined
  },
): Order['spared'] {
  const { account, names, replacement } = asked
  const { limits = {} } = ca.settings
  if (replacement?.inWindow === true) return 'all'
  const spared = ca.state.certifiedSets.has(nameSetKey(names)) ? 'renewal' : 'nothing'
  const { ordersPerAccount, failuresPerName } = limits
  const orderKey = `order ${account.id}`
  refuse(ca, [
    ...(ordersPerAccount === undefined || spared === 'renewal'
      ? []
      : [
          {
            key: orderKey,
            limit: ordersPerAccount,
            what: `new orders (${ordersPerAccount.count}) from this account`,
          },
        ]),
    ...(failuresPerName === undefined
      ? []
      : names.map((name) => ({
          key: failureKey(account.id, name.replace(/^\*\./, '')),
          limit: failuresPerName,
          what: `failed authorizations (${failuresPerName.count}) for "${name}"`,
        }))),
    ...certificateBuckets(ca.settings, names, spared),
  ])
  if (ordersPerAccount !== undefined && spared !== 'renewal') {
    ca.state.limits.spend(orderKey, ordersPerAccount, Date.now())
  }
  return spared
}

/** Counts a certificate. */
export function countCertificate({ settings, state }: Ca, { names, spared }: Order): void {
  for (const { key, limit } of certificateBuckets(settings, names, spared)) {
    state.limits.spend(key, limit, Date.now())
  }
  state.certifiedSets.set(nameSetKey(names), true)
}

/** Counts a validation that failed. */
export function countFailure({ settings, state }: Ca, { accountId, name }: Authorization): void {
  const { failuresPerName } = settings.limits ?? {}
  if (failuresPerName === undefined) return
  state.limits.spend(failureKey(accountId, name), failuresPerName, Date.now())
}

/** Counts a request, which Let's Encrypt does at its edge. @throws {Problem} 503 */
export function limitRequests({ settings, state }: Ca, endpoint: string, address: string): void {
  const { requests } = settings.limits ?? {}
  if (requests === undefined) return
  const key = `request ${endpoint} ${address}`
  const waitMs = state.limits.waitMs(key, requests, Date.now())
  if (waitMs > 0) {
    throw new Problem('rateLimited', 'Service busy; retry later.', {
      status: 503,
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    })
  }
  state.limits.spend(key, requests, Date.now())
}

interface Bucket {
  readonly key: string
  readonly limit: Limit
  readonly what: string
}

function certificateBuckets(
  { limits = {}, publicSuffixes }: Settings,
  names: readonly string[],
  spared: Order['spared'],
): Bucket[] {
  const { certificatesPerDomain, certificatesPerNameSet } = limits
  const buckets: Bucket[] = []
  if (certificatesPerNameSet !== undefined && spared !== 'all') {
    buckets.push({
      key: `set ${nameSetKey(names)}`,
      limit: certificatesPerNameSet,
      what: `certificates (${certificatesPerNameSet.count}) already issued for this exact set of identifiers`,
    })
  }
  if (certificatesPerDomain !== undefined && spared === 'nothing') {
    const domains = new Set(names.map((name) => registeredDomain(name, publicSuffixes)))
    for (const domain of domains) {
      buckets.push({
        key: `domain ${domain}`,
        limit: certificatesPerDomain,
        what: `certificates (${certificatesPerDomain.count}) already issued for "${domain}"`,
      })
    }
  }
  return buckets
}

function failureKey(accountId: string, name: string): string {
  return `failure ${accountId} ${name}`
}

/** @throws {Problem} for the bucket that has room again last, where one has none now */
function refuse({ state }: Ca, buckets: readonly Bucket[]): void {
  const now = Date.now()
  const full = buckets
    .map((bucket) => ({ ...bucket, waitMs: state.limits.waitMs(bucket.key, bucket.limit, now) }))
    .toSorted((one, other) => other.waitMs - one.waitMs)
  const [last] = full
  if (last === undefined || last.waitMs === 0) return
  const seconds = Math.ceil(last.waitMs / 1000)
  const until = new Date(now + seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
  throw new Problem(
    'rateLimited',
    `too many ${last.what} in the last ${durationText(last.limit.periodMs)}, retry after ${until} UTC`,
    { retryAfterSeconds: seconds },
  )
}

/** As Go writes a duration: `3h0m0s`. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  const tail = `${minutes}m${seconds % 60}s`
  return hours === 0 ? tail : `${hours}h${tail}`
}
