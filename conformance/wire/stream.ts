import type { Connection, Stream } from '@libp2p/interface'
import { readFrames, readLength, type Frames } from './frames.ts'
import { join } from './protobuf.ts'

/**
 * How the other side's half of a stream ended, or what was there instead of an end: `closed` after a FIN, `reset`,
 * `lost` with the connection, `open` where it had not ended at the deadline. Checks must tell these apart.
 */
export type StreamEnd = 'closed' | 'reset' | 'lost' | 'open'

/** What came until then. */
export interface Received extends Frames {
  readonly end: StreamEnd
}

/** One more message, or how the stream ended before there was one. */
export type ReceivedMessage =
  | { readonly message: Uint8Array }
  | { readonly message: undefined; readonly end: StreamEnd; readonly rest: Uint8Array }

/** Evidence, as it is kept for a report. */
export type Tap = (entry: {
  readonly direction: 'sent' | 'received'
  readonly bytes: Uint8Array
  readonly note?: string
}) => void

/**
 * A libp2p stream as its bytes. All deadlines are those of the signals given: when one passes, what came is returned
 * with the end `open`, nothing is thrown.
 */
export interface RawStream {
  readonly stream: Stream
  /** Sends bytes as they are, wrong ones too. Says whether the stream still took them. */
  send(bytes: Uint8Array): boolean
  /** Ends our half. */
  closeWrite(): void
  /** Tells the other side that we are gone. */
  reset(): void
  /** The next message in frames. */
  next(signal: AbortSignal): Promise<ReceivedMessage>
  /** Everything until the other side ends its half. */
  rest(signal: AbortSignal): Promise<Received>
  /** Waits until the whole stream is gone: `reset`, `lost`, or `closed` on both sides. */
  gone(signal: AbortSignal): Promise<StreamEnd>
}

/**
 * Opens a stream on a connection.
 * @throws what libp2p throws where the protocol is not served (UnsupportedProtocolError) or the signal aborts.
 */
export async function openStream(
  connection: Connection,
  protocol: string,
  { signal, tap }: { readonly signal: AbortSignal; readonly tap?: Tap },
): Promise<RawStream> {
  const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true })
  return rawStream(stream, connection, tap)
}

/** The same for a stream that a handler was given: what a player serves. */
export function rawStream(stream: Stream, connection: Connection, tap?: Tap): RawStream {
  let unread: Uint8Array = new Uint8Array(0)
  let end: StreamEnd = 'open'
  let gone = false
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  const ended = (how: StreamEnd): void => {
    if (end === 'open') {
      end = how
      tap?.({ direction: 'received', bytes: new Uint8Array(0), note: how })
    }
    wake()
  }
  const isReset = (): boolean => stream.status === 'reset' || stream.status === 'aborted'
  const closed = (): void => {
    gone = true
    if (!isReset()) return ended('closed')
    end = 'open'
    ended(connection.status === 'open' ? 'reset' : 'lost')
  }
  stream.addEventListener('message', ({ data }) => {
    const bytes = data.subarray()
    tap?.({ direction: 'received', bytes })
    unread = join(unread, bytes)
    wake()
  })
  stream.addEventListener('end', () => {
    // A reset ends reading, too, before it closes the stream.
    if (!isReset()) ended('closed')
  })
  stream.addEventListener('close', closed)
  // All this may have happened while the protocol was still negotiated; what came then is delivered in a microtask.
  queueMicrotask(() => {
    if (stream.status !== 'open' && stream.status !== 'closing') closed()
    else if (stream.readableEnded) ended('closed')
  })

  /** Waits until `ready` gives something, or the signal aborts. */
  const until = async <T>(
    ready: () => T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined> => {
    for (;;) {
      const found = ready()
      if (found !== undefined || signal.aborted) return found
      const { promise, resolve } = Promise.withResolvers<unknown>()
      const woken = (): void => resolve(undefined)
      waiting.add(woken)
      signal.addEventListener('abort', woken, { once: true })
      await promise
      signal.removeEventListener('abort', woken)
      waiting.delete(woken)
    }
  }
  const take = (): Uint8Array | undefined => {
    const header = readLength(unread)
    if (header === undefined) return undefined
    const frameEnd = header.prefixBytes + header.length
    if (unread.length < frameEnd) return undefined
    const message = unread.slice(header.prefixBytes, frameEnd)
    unread = unread.slice(frameEnd)
    return message
  }

  return {
    stream,
    send(bytes) {
      tap?.({ direction: 'sent', bytes })
      try {
        stream.send(bytes)
        return true
      } catch {
        return false
      }
    },
    closeWrite() {
      tap?.({ direction: 'sent', bytes: new Uint8Array(0), note: 'closed' })
      // It fails only where the stream is gone already, which those who read see.
      stream.close().catch(() => undefined)
    },
    reset() {
      tap?.({ direction: 'sent', bytes: new Uint8Array(0), note: 'reset' })
      stream.abort(new Error('the check is done with this stream'))
    },
    async next(signal) {
      // What came is handed over before the end is.
      const message = await until(() => take() ?? (end === 'open' ? undefined : null), signal)
      return message == null ? { message: undefined, end, rest: unread } : { message }
    },
    async rest(signal) {
      await until(() => (end === 'open' ? undefined : true), signal)
      const frames = readFrames(unread)
      unread = frames.rest
      return { ...frames, end }
    },
    async gone(signal) {
      await until(() => (gone ? true : undefined), signal)
      return gone ? end : 'open'
    },
  }
}
