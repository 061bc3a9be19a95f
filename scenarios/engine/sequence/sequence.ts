import { describe } from '../describe.ts'
import type { TraceEntry } from '../trace.ts'
import { isBad, kindOf, messageOf } from './messages.ts'
import type { Row, SequenceData, Span } from './page/data.ts'
import type { Story } from './story.ts'

/** Rows of a page: more make it slow to open. What is left out is counted there. */
export const ROWS_MAX = 50_000
/** Of an event's details. */
const DETAIL_LENGTH_MAX = 1_500
/** Lifelines stand in the order in which a request passes by them. */
const ROLES = ['attacker', 'client', 'browser', 'proof', 'issue', 'ca', 'dns']

/** A story as its page draws it. */
export function sequenceOf(story: Story): SequenceData {
  const hosts = hostsOf(story)
  const indices = new Map(hosts.map(({ name }, index) => [name, index]))
  const hostOfPeer = new Map(story.hosts.map(({ peerId, name }) => [peerId, name]))
  const named = (name: string): number | undefined => indices.get(hostOfPeer.get(name) ?? name)
  const tell = (peerId: string): string => hostOfPeer.get(peerId) ?? `…${peerId.slice(-8)}`
  const events = new Map<string, number>()
  const rows = story.timeline.slice(0, ROWS_MAX).map((entry): Row => {
    const event = events.get(entry.event) ?? events.size
    events.set(entry.event, event)
    const text = sentence(entry, tell)
    const message = messageOf(entry)
    const [from, to] = [named(message?.from ?? ''), named(message?.to ?? '')]
    return {
      atMs: entry.atMs,
      host: named(entry.host) ?? 0,
      event,
      ...(text === undefined ? {} : { text }),
      ...(from === undefined || to === undefined || from === to ? {} : { from, to }),
      ...(isBad(entry.event) ? { bad: true } : {}),
      detail: JSON.stringify(entry.detail).slice(0, DETAIL_LENGTH_MAX),
    }
  })
  // After the last event nothing is to be seen, however long the end takes.
  const durationMs = rows.at(-1)?.atMs ?? story.durationMs
  return {
    durationMs,
    hosts,
    events: [...events.keys()].map((name) => ({ name, kind: kindOf(name) })),
    rows,
    spans: spansOf(story.timeline, durationMs).flatMap(({ host, ...span }) => {
      const index = named(host)
      return index === undefined ? [] : [{ ...span, host: index }]
    }),
  }
}

/** The hosts of the plan, and whoever else tells something, such as the CA. */
function hostsOf({ hosts, timeline }: Story): SequenceData['hosts'] {
  const roles = new Map(hosts.map(({ name, role }) => [name, role]))
  for (const { host } of timeline) if (!roles.has(host)) roles.set(host, host)
  const rank = (role: string): number => {
    const at = ROLES.indexOf(role)
    return at === -1 ? ROLES.length : at
  }
  return [...roles]
    .map(([name, role]) => ({ name, role }))
    .toSorted((one, other) => rank(one.role) - rank(other.role))
}

function sentence(entry: TraceEntry, tell: (peerId: string) => string): string | undefined {
  const text = describe(entry, tell)
  if (text !== undefined) return text
  const { event, detail } = entry
  if (event === 'phase') return `— ${String(detail['name'])} —`
  if (event === 'invariant:broken') {
    return `BROKEN: ${String(detail['invariant'])}: ${String(detail['problem'])}`
  }
  // A fault is told whether it has a sentence of its own or not.
  return event.startsWith('fault:') ? `FAULT: ${event.slice('fault:'.length)}` : undefined
}

/** From when to when each fault held. */
function spansOf(
  timeline: readonly TraceEntry[],
  durationMs: number,
): readonly (Omit<Span, 'host'> & { readonly host: string })[] {
  const spans: (Omit<Span, 'host'> & { readonly host: string })[] = []
  const faults = timeline.filter(({ event }) => event.startsWith('fault:'))
  const healings = new Set(faults.filter(({ event }) => event === 'fault:healed'))
  for (const { host, event, atMs } of faults) {
    const kind = event.slice('fault:'.length)
    if (kind === 'healed' || kind === 'failed') continue
    const healing = [...healings].find(
      (other) => other.host === host && other.detail['kind'] === kind && other.atMs >= atMs,
    )
    if (healing !== undefined) healings.delete(healing)
    spans.push({
      host,
      kind,
      fromMs: atMs,
      untilMs: healing?.atMs ?? durationMs,
      healed: healing !== undefined,
    })
  }
  return spans
}
