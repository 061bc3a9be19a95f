import { isIP } from 'node:net'
import type { ConnectionSlots } from './connection-slots.ts'
import { bindTcp, connectionSlots, type TcpLimits, type TcpListener } from './tcp.ts'
import { bindUdp } from './udp.ts'

export type Transport = 'udp' | 'tcp'

/** Makes the response to a packet; must not throw. */
export type Respond = (packet: Uint8Array, transport: Transport) => Uint8Array | undefined

/** Where sockets tell what went wrong. Floods can make either happen often. */
export interface SocketReport {
  /** A connection over the limits, or an answer that the system had no room for. */
  dropped(transport: Transport): void
  failed(error: Error): void
}

/** An address to listen on; port 0 is any free one, the same for UDP and TCP. */
export interface ListenAddress {
  /** IPv4 or IPv6. */
  readonly address: string
  /** @default 53 */
  readonly port?: number | undefined
}

/** An address that is listened on. */
export interface BoundAddress {
  readonly address: string
  readonly port: number
}

/** Sockets that answer. */
export interface DnsSockets {
  readonly addresses: readonly BoundAddress[]
  close(): Promise<void>
}

/** A port could not be had. `cause` is the system's error, `code` its code. */
export class ListenError extends Error {
  readonly code: string

  constructor(message: string, options: { readonly code: string; readonly cause: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = options.code
  }
}

interface SocketsInit {
  readonly respond: Respond
  readonly report: SocketReport
  readonly limits?: TcpLimits | undefined
}

const DNS_PORT = 53
/** How often another free port is tried when somebody has its UDP half. */
const FREE_PORT_ATTEMPTS_MAX = 10

const ADVICE: Readonly<Record<string, readonly [what: string, advice: string]>> = {
  EADDRINUSE: ['is taken', 'end what listens there (`ss -lntup` shows it) or choose another port'],
  EACCES: [
    'may not be used',
    'run as root or with CAP_NET_BIND_SERVICE, or choose a port above 1023',
  ],
  EADDRNOTAVAIL: ['cannot be had', 'the address is none of this machine; `ip addr` shows them'],
}

/**
 * Answers DNS queries on UDP and TCP at every address given, or at none when one cannot be had.
 * @throws {ListenError} naming the port, and what can be done.
 */
export async function openSockets(
  listen: readonly ListenAddress[],
  init: SocketsInit,
): Promise<DnsSockets> {
  const pairs: Pair[] = []
  const slots = connectionSlots(init.limits ?? {})
  const close = async (): Promise<void> => {
    await Promise.all(pairs.map((pair) => pair.close()))
  }
  try {
    for (const { address, port } of listen) {
      pairs.push(await openPair({ address, port: port ?? DNS_PORT }, { ...init, slots }))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { addresses: pairs.map((pair) => pair.bound), close }
}

interface Pair {
  readonly bound: BoundAddress
  close(): Promise<void>
}

async function openPair(
  { address, port }: BoundAddress,
  init: SocketsInit & { readonly slots: ConnectionSlots },
): Promise<Pair> {
  const family = isIP(address)
  if (family !== 4 && family !== 6) {
    throw new RangeError(`listen address "${address}" is not an IP address`)
  }
  const { respond, report, limits = {}, slots } = init
  for (let attempt = 1; ; attempt++) {
    let tcp: TcpListener | undefined
    try {
      tcp = await bindTcp({ address, port, respond, report, limits, slots })
      const listener = tcp
      const udp = await bindUdp({ address, family, port: tcp.port, respond, report })
      return {
        bound: { address, port: tcp.port },
        async close() {
          udp.close()
          await listener.close()
        },
      }
    } catch (cause) {
      await tcp?.close()
      const code = errorCodeOf(cause)
      // Only with port 0, where the system chose among the ports that are free for TCP.
      const retry = code === 'EADDRINUSE' && port === 0 && attempt < FREE_PORT_ATTEMPTS_MAX
      if (!retry) throw listenError({ address, port: tcp?.port ?? port }, code, cause)
    }
  }
}

function listenError(bound: BoundAddress, code: string, cause: unknown): ListenError {
  const [what, advice] = ADVICE[code] ?? ['cannot be had', 'see the cause']
  return new ListenError(`port ${bound.port} on ${bound.address} ${what} (${code}): ${advice}`, {
    code,
    cause,
  })
}

function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
