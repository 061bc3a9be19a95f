// Forwards UDP queries. All go out by one socket per address family, each under a transaction id of its
// own: two clients may use the same id at the same time.
import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { ResolverContext, Upstream } from './resolver.ts'
import {
  isQuery,
  isRefusal,
  isResponse,
  packetId,
  serverFailure,
  withId,
} from './resolver-packet.ts'

/** More than Pebble asks at once (300 for an order of 100 names); above it queries are answered SERVFAIL. */
const OUTSTANDING_MAX = 4096
const ID_COUNT = 65_536

interface Outstanding {
  readonly query: Uint8Array
  readonly client: RemoteInfo
  readonly servers: readonly Upstream[]
  /** Index of the server asked last. */
  turn: number
  timer: NodeJS.Timeout | undefined
  /** A refusal is kept: better than nothing when the other servers are silent. */
  refusal: Uint8Array | undefined
}

export class UdpForwarder {
  readonly #listener: Socket
  readonly #context: ResolverContext
  readonly #outstanding = new Map<number, Outstanding>()
  readonly #outgoing = new Map<'udp4' | 'udp6', Socket>()
  #lastId = 0
  #closed = false

  constructor(listener: Socket, context: ResolverContext) {
    this.#listener = listener
    this.#context = context
    listener.on('message', (query, client) => this.#ask(query, client))
    listener.on('error', () => {})
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#outstanding.values()) clearTimeout(timer)
    this.#outstanding.clear()
    for (const socket of this.#outgoing.values()) socket.close()
    this.#outgoing.clear()
  }

  #ask(query: Uint8Array, client: RemoteInfo): void {
    if (!isQuery(query)) return
    this.#context.counters.udpQueries++
    const entry: Outstanding = {
      query,
      client,
      servers: this.#context.order(),
      turn: -1,
      timer: undefined,
      refusal: undefined,
    }
    if (this.#outstanding.size >= OUTSTANDING_MAX) return this.#answer(entry, serverFailure(query))
    const id = this.#freeId()
    this.#outstanding.set(id, entry)
    this.#next(id, entry)
  }

  #next(id: number, entry: Outstanding): void {
    clearTimeout(entry.timer)
    entry.turn++
    const server = entry.servers[entry.turn]
    if (server === undefined) {
      this.#context.counters.failures++
      return this.#finish(id, entry, entry.refusal ?? serverFailure(entry.query))
    }
    if (entry.turn > 0) this.#context.counters.failovers++
    entry.timer = setTimeout(() => this.#next(id, entry), this.#context.silenceMs)
    // A send that fails is a silent server: the timer goes on to the next.
    this.#socket(isIPv6(server.address) ? 'udp6' : 'udp4').send(
      withId(entry.query, id),
      server.port,
      server.address,
      () => {},
    )
  }

  #receive(response: Uint8Array, from: RemoteInfo): void {
    const id = packetId(response)
    const entry = this.#outstanding.get(id)
    if (entry === undefined || !isResponse(response)) return
    const asked = entry.servers.findIndex(
      ({ address, port }) => port === from.port && address === from.address,
    )
    // A late answer of a server already given up is as good; one of a server not asked is a stranger's.
    if (asked === -1 || asked > entry.turn) return
    if (!isRefusal(response)) return this.#finish(id, entry, response)
    entry.refusal = response
    if (asked === entry.turn) this.#next(id, entry)
  }

  #finish(id: number, entry: Outstanding, response: Uint8Array): void {
    clearTimeout(entry.timer)
    this.#outstanding.delete(id)
    this.#answer(entry, response)
  }

  #answer({ query, client }: Outstanding, response: Uint8Array): void {
    if (this.#closed) return
    this.#listener.send(withId(response, packetId(query)), client.port, client.address, () => {})
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) % ID_COUNT
    while (this.#outstanding.has(this.#lastId))
    return this.#lastId
  }

  #socket(type: 'udp4' | 'udp6'): Socket {
    const known = this.#outgoing.get(type)
    if (known !== undefined) return known
    const socket = createSocket(type)
    socket.on('message', (response, from) => this.#receive(response, from))
    socket.on('error', () => {})
    this.#outgoing.set(type, socket)
    return socket
  }
}
