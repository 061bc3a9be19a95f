import { StreamResetError, type Stream } from '@libp2p/interface'
import { encodeFrame, FrameDecoder, FrameError } from './frames.ts'

/** A peer has sent nothing at all until the deadline, after requests that were answered. */
export class IdleError extends Error {
  constructor(options?: ErrorOptions) {
    super('the peer has sent no further request', options)
    this.name = new.target.name
  }
}

/** What a waiting message costs beside its bytes: empty ones cost memory too. */
const MESSAGE_OVERHEAD_BYTES = 128

/** The part of a libp2p stream that frames need. */
export type MessageStream = Pick<
  Stream,
  | 'addEventListener'
  | 'removeEventListener'
  | 'send'
  | 'onDrain'
  | 'pause'
  | 'resume'
  | 'readableEnded'
  | 'status'
>

/** Messages over a libp2p stream. */
export interface FrameStream {
  /**
   * The next message, or `undefined` when the peer has ended its side between two messages.
   * @throws {FrameError} for a frame that is too long or cut; the stream's error when it was reset; when `signal`
   *   aborts {@link IdleError} if that was between two messages, otherwise the signal's reason.
   */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>
  /** Sends one message, waiting while the peer's window is full. */
  write(message: Uint8Array, signal: AbortSignal): Promise<void>
  /** Stops listening to the stream, which stays as it is. */
  release(): void
}

/**
 * Reads and writes length-prefixed messages on a libp2p stream. One reader at a time.
 *
 * The signal of a read is a deadline for the whole message: a peer that sends one byte every now and then does
 * not extend it (NT-WIRE-009).
 */
export function frameStream(
  stream: MessageStream,
  init: { readonly lengthMax: number },
): FrameStream {
  const decoder = new FrameDecoder(init)
  const waiting: Uint8Array[] = []
  let waitingBytes = 0
  let taken = 0
  let failure: Error | undefined
  let ended = false
  let paused = false
  let wake: (() => void) | undefined

  const onMessage = (event: { data: Uint8Array | { subarray(): Uint8Array } }): void => {
    if (failure !== undefined) return
    try {
      for (const message of decoder.push(event.data.subarray())) {
        waiting.push(message)
        waitingBytes += message.length + MESSAGE_OVERHEAD_BYTES
      }
    } catch (error) {
      failure = error as Error
    }
    // As much as one message may have: past that the peer's window fills, and it has to wait.
    if (waitingBytes > init.lengthMax && !paused) {
      paused = true
      stream.pause()
    }
    wake?.()
  }
  const onEnd = (): void => {
    ended = true
    wake?.()
  }
  const onClose = (event: { error?: Error }): void => {
    failure ??= event.error
    ended = true
    wake?.()
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  // A server that answers and closes at once can end the stream while libp2p still negotiates its protocol: the stream
  // then says that it has ended although the answer is handed to the new listener only in the next microtask.
  queueMicrotask(() => {
    if (stream.status === 'reset' || stream.status === 'aborted') {
      failure ??= new StreamResetError('the stream has been reset')
    }
    if (stream.readableEnded) onEnd()
  })

  return {
    async read(signal) {
      for (;;) {
        if (signal.aborted) {
          if (taken > 0 && !decoder.unfinished) throw new IdleError({ cause: signal.reason })
          throw signal.reason
        }
        const message = waiting.shift()
        if (message !== undefined) {
          taken += 1
          waitingBytes -= message.length + MESSAGE_OVERHEAD_BYTES
          if (paused && waiting.length === 0 && stream.status === 'open') {
            paused = false
            stream.resume()
          }
          return message
        }
        if (failure !== undefined) throw failure
        if (ended) {
          if (decoder.unfinished) throw new FrameError('the stream ended in the middle of a frame')
          return undefined
        }
        const woken = Promise.withResolvers<void>()
        wake = woken.resolve
        signal.addEventListener('abort', woken.resolve as () => void, { once: true })
        await woken.promise
        signal.removeEventListener('abort', woken.resolve as () => void)
        wake = undefined
      }
    },
    async write(message, signal) {
      signal.throwIfAborted()
      if (!stream.send(encodeFrame(message))) await stream.onDrain({ signal })
    },
    release() {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('end', onEnd)
      stream.removeEventListener('close', onClose)
    },
  }
}
