import type { TraceDigest } from '../engine/sim/hashes.ts'

/** Why a seed did not pass; the exit codes follow it. */
export type SeedClass = 'pass' | 'invariant' | 'unknown' | 'liveness' | 'crash' | 'non-determinism'

/** What became of one world. */
export interface SeedResult {
  /** Decimal, from 0 to 2^64-1. */
  readonly seed: string
  /** `swarm`, `canary`, `long`, or a scenario's name. */
  readonly world: string
  readonly class: SeedClass
  readonly failure?: SeedFailure
  /** What was drawn; printed first when the seed fails. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  /** How many there were. */
  readonly faults: number
  readonly virtualMs: number
  readonly cpuMs: number
  readonly realMs: number
  /** Events of the clock. */
  readonly events: number
  /** Random values drawn, in all streams. */
  readonly draws: number
  readonly digest: TraceDigest
  /** Names of the `sometimes` that were met. */
  readonly sometimes: readonly string[]
  /** One shell line. */
  readonly replay: string
  readonly shrunk?: {
    readonly hosts: number
    readonly faults: number
    readonly runs: number
    readonly replay: string
  }
}

export interface SeedFailure {
  readonly invariant: string
  readonly problem: string
  /** Virtual time. */
  readonly atMs: number
  readonly hosts: readonly string[]
}

/** Of a seed that came to no end: nothing is known of its world but how to run it again. */
export function unfinished({
  invariant,
  problem,
  ...of
}: Pick<SeedResult, 'seed' | 'world' | 'class' | 'realMs' | 'replay'> &
  Pick<SeedFailure, 'invariant' | 'problem'>): SeedResult {
  return {
    ...of,
    failure: { invariant, problem, atMs: 0, hosts: [] },
    options: {},
    faults: 0,
    virtualMs: 0,
    cpuMs: 0,
    events: 0,
    draws: 0,
    digest: { events: '', shape: '', bytes: '', eventCount: 0, packetCount: 0, byteCount: 0 },
    sometimes: [],
  }
}

/** A child process that runs many seeds. */
export interface SeedRunner extends AsyncDisposable {
  run(
    seed: string,
    options: { readonly world: string; readonly signal: AbortSignal },
  ): Promise<SeedResult>
}

/** Whether smaller worlds are worth trying: these nobody would know again in one that is run once. */
export function canShrink(result: SeedResult): boolean {
  return !['pass', 'unknown', 'non-determinism'].includes(result.class)
}
