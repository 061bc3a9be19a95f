import type { DnsServerProbe } from './challenges.ts'

/**
 * Why challenges cannot be relied on, or undefined when they can. One server that takes them is enough, because a CA
 * goes past those that are silent; one that answers queries and does not take them is too many, because a CA may ask
 * just that one and be told that there is no challenge (NT-ISSUE-037).
 */
export function challengeProblem(probes: readonly DnsServerProbe[]): string | undefined {
  const stale = probes.filter(({ outcome }) => outcome === 'stale')
  if (stale.length > 0) {
    return `dns servers that answer without the challenges: ${listed(stale)}`
  }
  if (probes.some(({ outcome }) => outcome === 'written')) return undefined
  return `no dns server takes challenges: ${listed(probes)}`
}

function listed(probes: readonly DnsServerProbe[]): string {
  return probes.map(({ server, reason = 'silent' }) => `${server} (${reason})`).join(', ')
}
