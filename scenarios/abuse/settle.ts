import { setTimeout as pause } from 'node:timers/promises'
import type { AbusedServers } from './servers.ts'
import type { Health, Watched } from './watched.ts'

/** How everything is at one moment. */
export interface State {
  readonly servers: Health
  readonly listener: Health
  /** libp2p connections and streams of the servers. */
  readonly connections: Readonly<Record<string, number>>
}

export interface Settled {
  readonly state: State
  /** What is more than before, and has not gone. */
  readonly problems: readonly string[]
  readonly tookMs: number
}

/** Memory afterwards, against before. */
const HEAP_RATIO_MAX = 1.1
const INTERVAL_MS = 200

export async function stateOf(
  servers: AbusedServers,
  listener: Watched,
  options: { readonly collectGarbage: boolean },
): Promise<State> {
  return {
    connections: await servers.connections(),
    servers: await servers.watched.health(options),
    listener: await listener.health(options),
  }
}

/** Waits until everything is as it was: time-outs have to pass, and caches to forget. */
export async function settle(
  look: () => Promise<State>,
  before: State,
  { timeoutMs, judgeMemory }: { readonly timeoutMs: number; readonly judgeMemory: boolean },
): Promise<Settled> {
  const startedAt = performance.now()
  for (;;) {
    const state = await look()
    const problems = differences(before, state, judgeMemory)
    const tookMs = performance.now() - startedAt
    if (problems.length === 0 || tookMs > timeoutMs) return { state, problems, tookMs }
    await pause(INTERVAL_MS)
  }
}

function differences(before: State, after: State, judgeMemory: boolean): string[] {
  const problems = more(before.connections, after.connections)
  for (const who of ['servers', 'listener'] as const) {
    const [was, is] = [before[who], after[who]]
    if (judgeMemory && is.heapBytes > was.heapBytes * HEAP_RATIO_MAX) {
      problems.push(
        `${who}: heap of ${megabytes(is.heapBytes)}, ${megabytes(was.heapBytes)} before`,
      )
    }
    problems.push(...more(was.resources, is.resources).map((problem) => `${who}: ${problem}`))
  }
  return problems
}

function more(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string[] {
  return Object.entries(after)
    .filter(([name, count]) => count > (before[name] ?? 0))
    .map(([name, count]) => `${count} ${name}, ${before[name] ?? 0} before`)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
