import { invariants } from '../engine/invariants.ts'
import type { Verdict } from '../engine/report.ts'
import type { HostPlan } from '../engine/scenario.ts'
import type { Story, StoryHost } from '../engine/sequence/index.ts'
import type { TraceEntry } from '../engine/trace.ts'
import { EVENTUALLY } from './eventually.ts'
import type { SeedFailure, SeedResult } from './result.ts'

/** The world of a seed as its page tells it; `timeline` is what its trace has of events. */
export function storyOfSeed(
  result: SeedResult,
  world: {
    readonly hosts: readonly HostPlan[]
    readonly timeline: readonly TraceEntry[]
  },
): Story {
  const { seed, failure, options, digest } = result
  const started = new Map(
    world.timeline.flatMap(({ host, event, detail }) =>
      event === 'host:started' ? [[host, startOf(detail)] as const] : [],
    ),
  )
  return {
    name: `Seed ${seed}`,
    title: `a world of "${result.world}" in virtual time: ${result.class}`,
    holds: result.class === 'pass',
    facts: [
      ['faults', String(result.faults)],
      ['processor', `${result.cpuMs} ms for ${result.events} events of the clock`],
      ['network', `${digest.packetCount} packets, ${digest.byteCount} bytes`],
      [
        'trace',
        `${digest.events.slice(0, 12)} ${digest.shape.slice(0, 12)}, ${result.draws} draws`,
      ],
      ...(result.sometimes.length === 0 ? [] : [['met', result.sometimes.join(', ')] as const]),
    ],
    options,
    hosts: world.hosts.map(({ name, role }) => ({
      name,
      role,
      peerId: '',
      addresses: [],
      ...started.get(name),
    })),
    timeline: withBreak(world.timeline, failure),
    verdicts: verdictsOf(failure),
    certificates: [],
    durationMs: result.virtualMs,
    again: result.shrunk?.replay ?? result.replay,
  }
}

/** What a host tells when it starts. */
function startOf(detail: TraceEntry['detail']): Pick<StoryHost, 'peerId' | 'addresses'> {
  const { peer, addresses } = detail
  return {
    peerId: typeof peer === 'string' ? peer : '',
    addresses: Array.isArray(addresses) ? addresses.map(String) : [],
  }
}

/** What was broken stands where it was noticed. */
function withBreak(
  timeline: readonly TraceEntry[],
  failure: SeedFailure | undefined,
): readonly TraceEntry[] {
  if (failure === undefined) return timeline
  const { atMs, hosts, invariant, problem } = failure
  const entry = {
    atMs,
    host: hosts[0] ?? 'engine',
    event: 'invariant:broken',
    detail: { invariant, problem },
  }
  return [...timeline, entry].toSorted((one, other) => one.atMs - other.atMs)
}

/** What the world ended with comes first; what is judged only later was not judged. */
function verdictsOf(failure: SeedFailure | undefined): readonly Verdict[] {
  const names = [...invariants, ...EVENTUALLY].map(({ name }) => name)
  const broken = names.indexOf(failure?.invariant ?? '')
  const last = broken < invariants.length ? invariants.length : broken
  const held = failure === undefined ? names : names.slice(0, last)
  return [
    ...(failure === undefined ? [] : [{ name: failure.invariant, problem: failure.problem }]),
    ...held
      .filter((name) => name !== failure?.invariant)
      .map((name) => ({ name, problem: undefined })),
  ]
}
