// What the suite does about a server that says E_RATE_LIMIT: it asks less often, and after some time no longer.
import { setTimeout as delay } from 'node:timers/promises'

/** A server said so until there was no time left. It is no fault of the target's, and nothing has been judged. */
export class RateLimitedError extends Error {
  override readonly name = 'RateLimitedError'
}

/** One request, which is repeated until it is let through. */
export interface LimitedRequest {
  /** Resolves when it may be sent: at once where the server has limited nobody. */
  turn(signal: AbortSignal): Promise<void>
  /** The server let it through. */
  passed(): void
  /**
   * The server said E_RATE_LIMIT, to one of so many requests that were sent together. Whether they are to be sent
   * again; the next turn comes later.
   * @throws {RateLimitedError} where it is no use
   */
  refused(count: number): boolean
}

const INTERVAL_MS_FIRST = 1_000
const INTERVAL_MS_MAX = 8_000
/** Below that the server limits nobody any more. */
const INTERVAL_MS_MIN = 100
const GROWTH = 2
/** Requests that are let through show that more would be, perhaps. */
const SHRINKING = 0.9
const TRIES_MAX = 8
/** A limit of so many requests in a time lets one through now and then; who lets nobody through has another reason. */
const NOBODY_MS_MAX = 60_000

interface Server {
  /** Between two requests; 0 where it has limited nobody. */
  intervalMs: number
  nextMs: number
  changedMs: number
  /** Since when it has let nobody through; undefined while it does. */
  limitedMs: number | undefined
  /** It was waited for in vain. */
  hopeless: boolean
}

/** What is known of the limits of each server, in one run: limits are for an address, which all checks share. */
export class RateLimits {
  readonly #servers = new Map<string, Server>()
  readonly #firstMs: number

  /** @param firstMs how long it waits after the first refusal */
  constructor({ firstMs = INTERVAL_MS_FIRST }: { readonly firstMs?: number } = {}) {
    this.#firstMs = firstMs
  }

  /** @param name says which server and protocol, for people */
  request(name: string): LimitedRequest {
    const server = this.#server(name)
    const firstMs = this.#firstMs
    let tries = 0
    let askedMs = 0
    return {
      async turn(signal) {
        signal.throwIfAborted()
        const now = performance.now()
        const atMs = Math.max(now, server.nextMs)
        if (server.intervalMs > 0) server.nextMs = atMs + server.intervalMs
        if (server.intervalMs > 0 && atMs > now) {
          await delay(atMs - now, undefined, { signal }).catch(() => signal.throwIfAborted())
        }
        tries += 1
        askedMs = performance.now()
      },
      passed() {
        server.limitedMs = undefined
        server.hopeless = false
        const intervalMs = server.intervalMs * SHRINKING
        server.intervalMs = intervalMs < INTERVAL_MS_MIN ? 0 : intervalMs
      },
      refused(count) {
        const now = performance.now()
        server.limitedMs ??= now
        if (server.hopeless || tries >= TRIES_MAX || now - server.limitedMs > NOBODY_MS_MAX) {
          server.hopeless = true
          throw new RateLimitedError(
            `${name} answers with error 1 (E_RATE_LIMIT), ${tries === 1 ? 'as it has been doing for a while' : `${tries} times now`}: the server has to grant this address and its peers more requests (nodetrust.yaml: rateLimit), or to be asked less often (--rate)`,
          )
        }
        // Those that were on their way at the same time were refused for the same reason.
        if (askedMs >= server.changedMs) {
          server.intervalMs = Math.min(
            Math.max(server.intervalMs * GROWTH, firstMs),
            INTERVAL_MS_MAX,
          )
          server.changedMs = now
        }
        server.nextMs = Math.max(server.nextMs, now + count * server.intervalMs)
        return true
      },
    }
  }

  #server(name: string): Server {
    const known = this.#servers.get(name)
    if (known !== undefined) return known
    const server = {
      intervalMs: 0,
      nextMs: 0,
      changedMs: 0,
      limitedMs: undefined,
      hopeless: false,
    }
    this.#servers.set(name, server)
    return server
  }
}

export type Limits = Pick<RateLimits, 'request'>

/** For checks that run into a limit on purpose: nothing is waited for. */
export const NO_LIMITS: Limits = {
  request: () => ({ turn: async () => {}, passed: () => {}, refused: () => false }),
}
