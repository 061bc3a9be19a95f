import { TimeoutError, type Connection, type PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { errorOf, MalformedError } from '../wire/errors.ts'
import { CLIENT_FRAME_LENGTH_MAX } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'

/** A server to talk to. Without addresses, libp2p finds it by its peer id. */
export interface Server {
  readonly id: PeerId
  readonly addresses: readonly Multiaddr[]
}

/** One question and one answer. */
export interface Exchange {
  readonly protocol: string
  /** Left out where the protocol wants none: the server answers as soon as the stream is open (NT-WIRE-004). */
  readonly request?: Uint8Array
  /** Total time for connecting, asking and reading, in ms (NT-CLIENT-004). */
  readonly timeoutMs: number
  /** Ask over a connection made now, so that the server sees the address that we have now. */
  readonly fresh?: boolean
  readonly signal: AbortSignal
}

/**
 * Asks a server one thing.
 * @throws {TimeoutError} after `timeoutMs`; {@link MalformedError} for an answer that is cut or missing; libp2p's
 *   errors as they are.
 */
export async function exchange(
  connectionManager: ConnectionManager,
  server: Server,
  { protocol, request, timeoutMs, fresh = false, signal }: Exchange,
): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const deadline = AbortSignal.any([signal, timeout])
  let connection: Connection | undefined
  try {
    connection = await connect(connectionManager, server, { fresh, signal: deadline })
    return await ask(connection, { protocol, request, timeoutMs, signal: deadline })
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) {
      throw new TimeoutError(`no answer within ${timeoutMs} ms`)
    }
    throw error
  } finally {
    // It was opened for this question only, next to one that the rest of the node goes on using.
    if (fresh) connection?.close().catch((error: Error) => connection?.abort(error))
  }
}

/**
 * A connection to a server: the one that there is, or with `fresh` another one.
 * @throws {MalformedError} when its addresses are those of others; libp2p's errors as they are.
 */
export async function connect(
  connectionManager: ConnectionManager,
  { id, addresses }: Server,
  { fresh, signal }: { readonly fresh: boolean; readonly signal: AbortSignal },
): Promise<Connection> {
  const named = addresses
    .map((address) => withPeerId(address, id))
    .filter((address) => address !== undefined)
  if (addresses.length > 0 && named.length === 0) {
    throw new MalformedError(`all addresses of ${id.toString()} are those of other peers`)
  }
  const connection = await connectionManager.openConnection(named.length > 0 ? named : id, {
    signal,
    ...(fresh ? { force: true } : {}),
  })
  // libp2p compares the ids in the handshake; a transport that did not would let anybody speak for the server
  // (NT-CLIENT-005).
  if (!connection.remotePeer.equals(id)) {
    throw new Error(`dialled ${id.toString()} and reached ${connection.remotePeer.toString()}`)
  }
  return connection
}

async function ask(
  connection: Connection,
  question: Required<Pick<Exchange, 'protocol' | 'timeoutMs' | 'signal'>> & {
    readonly request: Uint8Array | undefined
  },
): Promise<Uint8Array> {
  const { protocol, request, timeoutMs, signal } = question
  // A relayed connection may be a limited one, and carries a question as well as any.
  const opened = connection.newStream(protocol, { signal, runOnLimitedConnection: true })
  const stream = await opened.catch((thrown: unknown) => {
    throw errorOf(thrown)
  })
  // libp2p resets a stream on which nothing has moved for 120 s; an order may take longer.
  stream.inactivityTimeout = Math.max(stream.inactivityTimeout, timeoutMs + 1_000)
  const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  try {
    if (request !== undefined) await frames.write(request, signal)
    const answer = await frames.read(signal)
    if (answer === undefined) throw new MalformedError('the stream ended without an answer')
    // Our side is closed after the answer and not before: a server may take the end for a loss of interest.
    await stream.close({ signal })
    await stream.closeRead({ signal })
    return answer
  } catch (error) {
    stream.abort(error as Error)
    throw error
  } finally {
    frames.release()
  }
}

/** The address with the peer id at its end, or `undefined` when it ends in another one (NT-ISSUE-002). */
export function withPeerId(address: Multiaddr, id: PeerId): Multiaddr | undefined {
  const last = address.getComponents().at(-1)
  if (last?.code !== CODE_P2P) return address.encapsulate(`/p2p/${id.toString()}`)
  return last.value === id.toString() ? address : undefined
}
