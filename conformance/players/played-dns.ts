// A DNS server that the suite plays for an issue server under test: it takes challenges over dns-01, keeps a record of
// who wrote what and when, answers queries for them, and does by a case's script what a real one should never do.
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { setTimeout as delay } from 'node:timers/promises'
import type { Players } from '../suite/target.ts'
import {
  DNS01Request,
  DNS01Response,
  ERRORS,
  frame,
  PROTOCOLS,
  rawStream,
  type RawStream,
} from '../wire/index.ts'
import { openCaller, type Caller } from './caller.ts'
import { serveDns, type PlayedAnswer, type PlayedQuery } from './dns-answers.ts'

/** A request as it came; `fqdn` in lower case and without a dot at its end. */
export interface Write {
  readonly kind: 'set' | 'remove'
  readonly fqdn: string
  readonly value: string
  readonly peer: string
  /** The how many-th stream this is. */
  readonly stream: number
}

/** How requests for some names are answered, where not simply with OK. */
export interface Script {
  /** An error code; `silence`: never; `reset`: with the end of the stream. @default 0 */
  readonly response?: number | 'silence' | 'reset'
  /** The value is shown although the response is an error. */
  readonly showAnyway?: boolean
  /** The answer comes so much later. */
  readonly responseAfterMs?: number
  /** From the answer on until DNS shows the value; `never`. @default 0 */
  readonly visibleAfterMs?: number | 'never'
  /**
   * UDP answers are truncated until somebody asks by TCP. From then on UDP has them as well, as not every CA's resolver
   * asks by TCP.
   */
  readonly truncated?: boolean
}

export interface PlayedDns {
  /** Everything that was written, in order. */
  readonly writes: readonly Write[]
  /** Follows a script for these names until the returned function is called. */
  follow(names: readonly string[], script: Script): () => void
  /** Values that DNS shows for a name now. */
  values(fqdn: string): readonly string[]
  /** Resets every dns-01 stream; connections stay. */
  dropStreams(): void
  /** Ends every connection. */
  dropConnections(): Promise<void>
  /** Whether removals are served; at first they are. */
  serveRemovals(served: boolean): Promise<void>
  /** Called for each write from now on, until the returned function is called. */
  onWrite(listener: (write: Write) => void): () => void
  close(): Promise<void>
}

/** Nothing ever waits for this long: a stream that is silent is given up by its writer. */
const SILENCE_MS_MAX = 60_000
const CHALLENGE_LABEL = '_acme-challenge'

export async function openPlayedDns({
  peerKey,
  listen,
  dns,
}: NonNullable<Players['dns']>): Promise<PlayedDns> {
  const played = new Played()
  const queries = await serveDns(dns, (query) => played.answer(query))
  let caller: Caller
  try {
    caller = await openCaller({
      key: privateKeyFromProtobuf(Buffer.from(peerKey, 'base64')),
      listen,
    })
    await caller.node.handle(PROTOCOLS.dns01, played.handler('set'))
    await caller.node.handle(PROTOCOLS.dns01Remove, played.handler('remove'))
  } catch (error) {
    await queries.close()
    throw error
  }
  return {
    writes: played.writes,
    follow: (names, script) => played.follow(names, script),
    values: (fqdn) => played.values(fqdn),
    dropStreams: () => played.dropStreams(),
    async dropConnections() {
      await Promise.all(caller.node.getConnections().map((connection) => connection.close()))
    },
    async serveRemovals(served) {
      await caller.node.unhandle(PROTOCOLS.dns01Remove)
      if (served) await caller.node.handle(PROTOCOLS.dns01Remove, played.handler('remove'))
    },
    onWrite: (listener) => played.onWrite(listener),
    async close() {
      played.close()
      await caller.close()
      await queries.close()
    },
  }
}

class Played {
  readonly writes: Write[] = []
  readonly #scripts = new Map<string, Script>()
  readonly #values = new Map<string, Set<string>>()
  readonly #streams = new Set<RawStream>()
  readonly #listeners = new Set<(write: Write) => void>()
  readonly #askedByTcp = new Set<string>()
  readonly #closing = new AbortController()
  #streamCount = 0

  follow(names: readonly string[], script: Script): () => void {
    for (const name of names) this.#scripts.set(name, script)
    return () => {
      for (const name of names) this.#scripts.delete(name)
    }
  }

  values(fqdn: string): readonly string[] {
    return [...(this.#values.get(fqdn) ?? [])]
  }

  answer({ name, transport }: PlayedQuery): PlayedAnswer {
    const fqdn = name.startsWith(`${CHALLENGE_LABEL}.`)
      ? name.slice(CHALLENGE_LABEL.length + 1)
      : undefined
    if (fqdn === undefined) return { values: [] }
    if (transport === 'tcp') this.#askedByTcp.add(fqdn)
    const scripted = this.#scripts.get(fqdn)?.truncated === true
    return { values: this.values(fqdn), truncated: scripted && !this.#askedByTcp.has(fqdn) }
  }

  onWrite(listener: (write: Write) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  dropStreams(): void {
    for (const stream of this.#streams) stream.reset()
  }

  close(): void {
    this.#closing.abort()
    this.dropStreams()
  }

  handler(kind: Write['kind']): (stream: Stream, connection: Connection) => Promise<void> {
    return async (stream, connection) => {
      const raw = rawStream(stream, connection)
      const number = ++this.#streamCount
      this.#streams.add(raw)
      try {
        for (;;) {
          const { message } = await raw.next(this.#closing.signal)
          if (message === undefined) break
          const { fqdn, value } = DNS01Request.decode(message)
          const write = {
            kind,
            fqdn: fqdn.toLowerCase().replace(/\.$/, ''),
            value,
            peer: connection.remotePeer.toString(),
            stream: number,
          }
          this.writes.push(write)
          for (const listener of this.#listeners) listener(write)
          if (!(await this.#respond(raw, write))) return
        }
        raw.closeWrite()
      } catch {
        // What is no request, and whatever happens when it is closed.
        raw.reset()
      } finally {
        this.#streams.delete(raw)
      }
    }
  }

  /** Says whether the stream goes on. */
  async #respond(raw: RawStream, write: Write): Promise<boolean> {
    const script = this.#scripts.get(write.fqdn) ?? {}
    const { response = ERRORS.OK, responseAfterMs = 0, visibleAfterMs = 0 } = script
    if (response === 'reset') {
      raw.reset()
      return false
    }
    const wait = response === 'silence' ? SILENCE_MS_MAX : responseAfterMs
    if (wait > 0) await delay(wait, undefined, { signal: this.#closing.signal })
    if (response === 'silence') return false
    if (response === ERRORS.OK || script.showAnyway === true) this.#show(write, visibleAfterMs)
    return raw.send(frame(DNS01Response.encode({ error: response })))
  }

  #show({ kind, fqdn, value }: Write, visibleAfterMs: number | 'never'): void {
    const values = this.#values.get(fqdn) ?? new Set<string>()
    if (kind === 'remove') {
      values.delete(value)
      if (values.size === 0) this.#values.delete(fqdn)
      return
    }
    const show = (): void => {
      values.add(value)
      this.#values.set(fqdn, values)
    }
    if (visibleAfterMs === 'never') return
    if (visibleAfterMs === 0) show()
    else setTimeout(show, visibleAfterMs).unref()
  }
}
