import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { errorCode } from './errors.ts'
import { frameStream, IdleError, type FrameStream } from './stream.ts'
import { REQUEST_TIMEOUT_MS, SERVER_FRAME_LENGTH_MAX } from './protocols.ts'

/** How many streams of one protocol are served at once; the excess is reset (NT-WIRE-010). */
export interface StreamLimits {
  /** @default 8 */
  readonly perPeer?: number
  /** One more takes the place of that which has waited for its peer longest, if there is one. @default 1024 */
  readonly total?: number
}

const STREAMS_PER_PEER_DEFAULT = 8
const STREAMS_TOTAL_DEFAULT = 1024

/** What a server does with one stream. */
export interface StreamService {
  /**
   * Reads requests and writes answers. When it returns, the write side is closed; when it throws, the stream is
   * reset and nothing else happens (NT-WIRE-005).
   */
  serve(
    frames: FrameStream,
    connection: Connection,
    requestSignal: () => AbortSignal,
  ): Promise<void>
  /** Told of streams that failed or were refused, for logs and metrics. */
  failed?(failure: { readonly peer: string; readonly reason: string; readonly code: number }): void
  readonly limits?: StreamLimits | undefined
  /** Longest request in bytes. @default 64 KiB */
  readonly lengthMax?: number | undefined
  /** Time for reading one request, in ms, whole and not for each byte (NT-WIRE-009). @default 10 s */
  readonly requestTimeoutMs?: number | undefined
}

/** A libp2p stream handler that stays alive whatever a stranger sends, and the handle to stop it. */
export interface StreamServer {
  readonly handler: StreamHandler
  /** Resets every open stream and refuses new ones. */
  stop(): void
  /** Resolves when no stream is open. */
  idle(): Promise<void>
}

/** Wraps {@link StreamService} with the bounds that every nodetrust server needs. */
export function streamServer(service: StreamService): StreamServer {
  const perPeerMax = service.limits?.perPeer ?? STREAMS_PER_PEER_DEFAULT
  const totalMax = service.limits?.total ?? STREAMS_TOTAL_DEFAULT
  const open = new Map<string, Set<Stream>>()
  /** Streams that wait for their peers, longest first. */
  const waiting = new Set<Stream>()
  const stopping = new AbortController()
  let total = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  const requestSignal = (): AbortSignal =>
    AbortSignal.any([
      stopping.signal,
      AbortSignal.timeout(service.requestTimeoutMs ?? REQUEST_TIMEOUT_MS),
    ])

  const handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const peer = connection.remotePeer.toString()
    const ofPeer = open.get(peer) ?? new Set<Stream>()
    const refuse = (error: Error): void => {
      stream.abort(error)
      // Streams that end with the server, or that are kept and no longer used, are nobody's failure.
      if (stopping.signal.aborted || error instanceof IdleError) return
      service.failed?.({ peer, reason: error.message, code: errorCode(error) })
    }
    if (stopping.signal.aborted) return refuse(new Error('the server is stopping'))
    if (ofPeer.size >= perPeerMax) {
      return refuse(
        new Error(`peer has ${ofPeer.size} streams open, at most ${perPeerMax} are served`),
      )
    }
    if (total >= totalMax) {
      const full = new Error(`${total} streams are open, at most ${totalMax} are served`)
      // Peer ids cost nothing: whoever has many could keep all places for good, and say nothing.
      const [longest] = waiting
      if (longest === undefined) return refuse(full)
      waiting.delete(longest)
      longest.abort(full)
    }
    if (total === 0) idle = Promise.withResolvers<void>()
    total += 1
    open.set(peer, ofPeer.add(stream))
    const frames = frameStream(stream, { lengthMax: service.lengthMax ?? SERVER_FRAME_LENGTH_MAX })
    const forPeer = async <T>(work: () => Promise<T>): Promise<T> => {
      waiting.add(stream)
      try {
        return await work()
      } finally {
        waiting.delete(stream)
      }
    }
    const served: FrameStream = {
      read: (deadline) => forPeer(() => frames.read(deadline)),
      write: (message, deadline) => forPeer(() => frames.write(message, deadline)),
      release: () => frames.release(),
    }
    try {
      await service.serve(served, connection, requestSignal)
      await forPeer(async () => {
        await stream.close({ signal: requestSignal() })
        await ended(stream, requestSignal())
      })
    } catch (error) {
      refuse(error as Error)
    } finally {
      frames.release()
      ofPeer.delete(stream)
      if (ofPeer.size === 0) open.delete(peer)
      total -= 1
      if (total === 0) idle.resolve()
    }
  }

  return {
    handler: handle,
    stop() {
      stopping.abort(new Error('the server is stopping'))
    },
    idle: () => idle.promise,
  }
}

/**
 * Waits until the peer has ended its side too. A stream that is only half closed still takes a place among those
 * that the connection may have open, so whoever leaves it so is cut off at the deadline.
 */
async function ended(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status !== 'open') return
  const over = Promise.withResolvers<void>()
  const abort = (): void => over.reject(signal.reason)
  const close = (): void => over.resolve()
  signal.addEventListener('abort', abort, { once: true })
  stream.addEventListener('close', close)
  try {
    await over.promise
  } finally {
    signal.removeEventListener('abort', abort)
    stream.removeEventListener('close', close)
  }
}
