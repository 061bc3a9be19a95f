import type { Multiaddr } from '@multiformats/multiaddr'
import { RefusalError } from '../wire/errors.ts'
import { CHALLENGE_LABEL, REQUEST_TIMEOUT_MS } from '../wire/protocols.ts'
import { sleep } from './abort.ts'
import { ChallengeCopy } from './challenge-copy.ts'
import { DnsWriter, type DnsWriterComponents } from './dns-writer.ts'
import type { ChallengeValue } from './records.ts'
import type { DnsEndpoint } from './dns-query.ts'
import { queryTxt } from './txt-query.ts'

/** One authoritative DNS server of the zone. */
export interface DnsServerInit {
  /** Where it speaks dns-01, each with /p2p/<its peer id>. */
  readonly addresses: readonly Multiaddr[]
  /** Where it answers queries: asked whether a value is to be seen. */
  readonly query: DnsEndpoint
}

/** Is told what became of each challenge on each server. */
export interface ChallengeReport {
  challengeSet(detail: { readonly name: string; readonly server: string }): void
  challengeRemoved(detail: { readonly name: string; readonly server: string }): void
  challengeFailed(detail: {
    readonly name: string
    readonly server: string
    readonly reason: string
  }): void
}

/** What became of a value that was set on one server and removed again. */
export interface DnsServerProbe {
  /** Its peer id. */
  readonly server: string
  /** `stale`: it answers queries, but without the value; `silent`: it does not even answer. */
  readonly outcome: 'written' | 'stale' | 'silent'
  readonly reason?: string
}

export interface ChallengesInit extends DnsWriterComponents {
  readonly report: ChallengeReport
  /** Silence of a DNS server that counts as failure, in ms. @default 10 s (NT-DNS01-012) */
  readonly silenceMs?: number
}

/** A server says OK when the value is to be seen; this part of its silence is for those that copy from another. */
const VISIBLE_WITHIN_PART = 0.5
/** First wait between two looks; doubles. */
const VISIBLE_POLL_MS = 25
/** How long a server that failed last time is waited for once another has worked. */
const FAILED_SERVER_GRACE_MS = 1_000
/** Removal is a courtesy: values expire by themselves. */
const REMOVE_TIMEOUT_MS = 5_000
/** A server that took no probe is asked whether it answers at all. */
const PROBE_QUERY_TIMEOUT_MS = 1_000

/** The challenge values of all orders, on all DNS servers. */
export class Challenges {
  readonly #servers: readonly Server[]
  readonly #report: ChallengeReport
  readonly #silenceMs: number
  /** How many orders use a value: a CA may give two orders the same one. */
  readonly #uses = new Map<string, number>()

  constructor(
    servers: readonly DnsServerInit[],
    { report, silenceMs = REQUEST_TIMEOUT_MS, ...components }: ChallengesInit,
  ) {
    this.#servers = servers.map(({ addresses, query }) => {
      const server = serverName(addresses)
      const writer = new DnsWriter(
        { addresses, silenceMs, onDropped: () => copy.dropped() },
        components,
      )
      const copy = new ChallengeCopy(writer, {
        caughtUp: ({ name }, done) =>
          done === 'set'
            ? report.challengeSet({ name, server })
            : report.challengeRemoved({ name, server }),
      })
      return { name: server, query, writer, copy, failed: false }
    })
    this.#report = report
    this.#silenceMs = silenceMs
  }

  /**
   * Sets the values on all servers and looks at each whether they are to be seen (NT-ISSUE-037). Ends when each
   * server has them or has failed.
   * @throws {RefusalError} OTHER when no server has all of them.
   */
  async publish(
    values: readonly ChallengeValue[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    for (const value of values) this.#use(value, 1)
    const grace = new AbortController()
    let graceTimer: NodeJS.Timeout | undefined
    const results = this.#servers.map(async (server) => {
      const signals = [signal, ...(server.failed ? [grace.signal] : [])]
      const reasons = await this.#publishOn(server, values, AbortSignal.any(signals))
      server.failed = reasons.length > 0
      if (reasons.length > 0) return reasons.map((reason) => `${server.name}: ${reason}`)
      graceTimer ??= setTimeout(() => {
        grace.abort(new Error('the server failed before, and another one works'))
      }, FAILED_SERVER_GRACE_MS)
      return []
    })
    const failures = await Promise.all(results)
    clearTimeout(graceTimer)
    signal.throwIfAborted()
    if (failures.every((reasons) => reasons.length > 0)) {
      throw new RefusalError(
        'OTHER',
        `no dns server has the challenges: ${failures.flat().join('; ')}`,
      )
    }
  }

  /**
   * Removes the values from all servers, unless another order uses them (NT-ISSUE-038). Where that fails it is tried
   * again later. Never throws.
   */
  async withdraw(values: readonly ChallengeValue[]): Promise<void> {
    const unused = values.filter((value) => this.#use(value, -1) <= 0)
    const signal = AbortSignal.timeout(REMOVE_TIMEOUT_MS)
    await Promise.all(
      this.#servers.flatMap((server) =>
        unused.map(async ({ name, value }) => {
          try {
            const removed = await server.copy.remove({ name, value }, signal)
            if (removed) this.#report.challengeRemoved({ name, server: server.name })
          } catch (error) {
            // One that does not answer has been reported when the value was set.
            if (server.failed) return
            const reason = `not removed yet: ${message(error)}`
            this.#report.challengeFailed({ name, server: server.name, reason })
          }
        }),
      ),
    )
  }

  /** Removes, in the background, values that an earlier process may have left on the servers. */
  sweep(values: readonly ChallengeValue[]): void {
    for (const { copy } of this.#servers) copy.sweep(values)
  }

  /** Sets a value on each server, looks for it, and removes it: what an order would do, seen by nobody. Never throws. */
  async probe(value: ChallengeValue, signal: AbortSignal): Promise<readonly DnsServerProbe[]> {
    return Promise.all(
      this.#servers.map(async ({ name: server, query, writer }): Promise<DnsServerProbe> => {
        try {
          await writer.set({ fqdn: value.name, value: value.value }, { signal })
          await waitUntilVisible(value, query, signal)
          await writer.remove({ fqdn: value.name, value: value.value }, signal)
          return { server, outcome: 'written' }
        } catch (error) {
          const answers = await queryTxt(`${CHALLENGE_LABEL}.${value.name}`, query, {
            signal: AbortSignal.timeout(PROBE_QUERY_TIMEOUT_MS),
          }).then(
            () => true,
            () => false,
          )
          return { server, outcome: answers ? 'stale' : 'silent', reason: message(error) }
        }
      }),
    )
  }

  close(): void {
    for (const { writer, copy } of this.#servers) {
      copy.close()
      writer.close()
    }
  }

  /** Why a server does not have the values; empty when it has all. */
  async #publishOn(
    server: Server,
    values: readonly ChallengeValue[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const reasons = await Promise.all(
      values.map(async ({ name, value }) => {
        try {
          const silence = AbortSignal.timeout(this.#silenceMs)
          await server.copy.set({ name, value }, AbortSignal.any([signal, silence]))
          const patience = AbortSignal.timeout(this.#silenceMs * VISIBLE_WITHIN_PART)
          const waiting = AbortSignal.any([signal, patience])
          await waitUntilVisible({ name, value }, server.query, waiting)
          this.#report.challengeSet({ name, server: server.name })
          return []
        } catch (error) {
          const reason = message(error)
          this.#report.challengeFailed({ name, server: server.name, reason })
          return [reason]
        }
      }),
    )
    return [...new Set(reasons.flat())]
  }

  #use({ name, value }: ChallengeValue, change: number): number {
    const key = `${name} ${value}`
    const uses = (this.#uses.get(key) ?? 0) + change
    if (uses > 0) this.#uses.set(key, uses)
    else this.#uses.delete(key)
    return uses
  }
}

interface Server {
  readonly name: string
  readonly query: DnsEndpoint
  readonly writer: DnsWriter
  readonly copy: ChallengeCopy
  /** Whether it failed the last time. */
  failed: boolean
}

/** Asks as a CA would, until the value is among the answers. */
async function waitUntilVisible(
  { name, value }: ChallengeValue,
  server: DnsEndpoint,
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = VISIBLE_POLL_MS; ; waitMs *= 2) {
    const values = await queryTxt(`${CHALLENGE_LABEL}.${name}`, server, { signal })
    if (values.includes(value)) return
    await sleep(waitMs, signal)
  }
}

/** The peer id, by which people know a server; it stands at the end of each address. */
function serverName([address]: readonly Multiaddr[]): string {
  const components = address?.getComponents() ?? []
  return components.findLast(({ name }) => name === 'p2p')?.value ?? String(address)
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
