// A forwarding resolver where a public recursive one would stand: Pebble asks it, and it asks the zone's
// authoritative servers, one after the other until one answers. Packets pass as bytes, so that what the CA
// sees is what our DNS servers wrote.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { forwardTcp } from './resolver-tcp.ts'
import { UdpForwarder } from './resolver-udp.ts'

export interface Upstream {
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
}

export interface ResolverInit {
  /** The zone's authoritative servers at this moment: asked again for each query. */
  readonly upstreams: () => readonly Upstream[]
  /** IPv4 address to listen on. @default 127.0.0.1 */
  readonly listenAddress?: string | undefined
  /** @default 0: a free port */
  readonly port?: number
  /** Time after which the next server is asked, in milliseconds. @default 250 */
  readonly silenceMs?: number
}

export interface Resolver extends AsyncDisposable {
  /** As Pebble wants it: `ADDRESS:PORT`. */
  readonly address: string
  readonly port: number
  readonly counters: Readonly<ResolverCounters>
  close(): Promise<void>
}

export interface ResolverCounters {
  udpQueries: number
  tcpQueries: number
  /** Times that a server was given up for the next. */
  failovers: number
  /** Queries that no server answered: the client got SERVFAIL. */
  failures: number
}

export const SILENCE_MS = 250
const PORT_ATTEMPTS_MAX = 10
const LOOPBACK = '127.0.0.1'

/** Opens the resolver on UDP and TCP of one port. */
export async function openResolver(init: ResolverInit): Promise<Resolver> {
  const counters: ResolverCounters = { udpQueries: 0, tcpQueries: 0, failovers: 0, failures: 0 }
  const context: ResolverContext = {
    order: rotation(init.upstreams),
    silenceMs: init.silenceMs ?? SILENCE_MS,
    counters,
  }
  const { listenAddress = LOOPBACK } = init
  const { tcp, udp } = await bind(listenAddress, init.port ?? 0)
  const { port } = udp.address()
  const forwarder = new UdpForwarder(udp, context)
  const connections = forwardTcp(tcp, context)
  let closing: Promise<void> | undefined
  const close = async () => {
    closing ??= (async () => {
      forwarder.close()
      connections.close()
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    })()
    await closing
  }
  return {
    address: `${listenAddress}:${port}`,
    port,
    counters,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What both transports need. */
export interface ResolverContext {
  /** The servers in the order to ask them for one query. */
  readonly order: () => readonly Upstream[]
  readonly silenceMs: number
  readonly counters: ResolverCounters
}

/** Another server is first each time, as with a resolver that spreads its queries. */
function rotation(upstreams: () => readonly Upstream[]): () => readonly Upstream[] {
  let turn = 0
  return () => {
    const servers = upstreams()
    if (servers.length === 0) return servers
    turn = (turn + 1) % servers.length
    return [...servers.slice(turn), ...servers.slice(0, turn)]
  }
}

async function bind(host: string, port: number) {
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer()
    const udp = createSocket('udp4')
    try {
      tcp.listen({ port, host })
      await once(tcp, 'listening')
      const bound = tcp.address()
      if (bound === null || typeof bound === 'string') throw new Error('no port was bound')
      udp.bind(bound.port, host)
      await once(udp, 'listening')
      // An order of 100 names asks 300 times at once; the usual buffer loses some of that.
      udp.setRecvBufferSize(RECEIVE_BUFFER_LENGTH)
      return { tcp, udp }
    } catch (error) {
      udp.close()
      tcp.close()
      // The TCP port that the system chose may be taken on UDP: choose another.
      if (port !== 0 || attempt === PORT_ATTEMPTS_MAX) throw error
    }
  }
}

const RECEIVE_BUFFER_LENGTH = 4 << 20
