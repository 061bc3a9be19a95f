import { StreamResetError, type Stream } from '@libp2p/interface'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { encodeFrame, FrameDecoder, FrameError } from './frames.ts'

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

/** A deadline, or how to make one when there is something to wait for. */
export type Deadline = AbortSignal | (() => AbortSignal)

/** Messages over a libp2p stream. */
export interface FrameStream {
  /**
   * The next message, or `undefined` when the peer has ended its side between two messages.
   * @throws {FrameError} for a frame that is too long or cut; the stream's error when it was reset; when `deadline`
   *   aborts {@link IdleError} if that was between two messages, otherwise the signal's reason.
   */
  read(deadline: Deadline): Promise<Uint8Array | undefined>
  /** Sends one message, waiting while the peer's window is full. */
  write(message: Uint8Array, deadline: Deadline): Promise<void>
  /** Stops listening to the stream, which stays as it is. */
  release(): void
}

/** A peer has sent nothing at all until the deadline, after requests that were answered. */
export class IdleError extends Error {
  constructor(options?: ErrorOptions) {
    super('the peer has sent no further request', options)
    this.name = new.target.name
  }
}

/** Messages that are handed over in one turn of the event loop: who sends many must not stop it for the others. */
const MESSAGES_PER_TURN = 16

/**
 * Reads and writes length-prefixed messages on a libp2p stream. One reader at a time.
 *
 * The deadline of a read is for the whole message: a peer that sends one byte every now and then does not extend it
 * (NT-WIRE-009). A deadline that is given as a function is only made when there is something to wait for.
 */
export function frameStream(
  stream: MessageStream,
  init: { readonly lengthMax: number },
): FrameStream {
  const decoder = new FrameDecoder(init)
  let taken = 0
  let failure: Error | undefined
  let ended = false
  let paused = false
  let wake: (() => void) | undefined

  const onMessage = (event: { data: Uint8Array | { subarray(): Uint8Array } }): void => {
    if (failure !== undefined) return
    try {
      decoder.push(event.data.subarray())
    } catch (error) {
      failure = error as Error
    }
    // As much as one message may have: past that the peer's window fills, and it has to wait.
    if (decoder.held > init.lengthMax && !paused) {
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

  /** What came before a failure is still handed over. */
  const next = (): Uint8Array | undefined => {
    try {
      return decoder.next()
    } catch (error) {
      failure ??= error as Error
      return undefined
    }
  }

  return {
    async read(deadline) {
      let signal: AbortSignal | undefined
      for (;;) {
        const message = next()
        if (message !== undefined) {
          taken += 1
          if (paused && decoder.held <= init.lengthMax && stream.status === 'open') {
            paused = false
            stream.resume()
          }
          if (taken % MESSAGES_PER_TURN === 0) await nextTurn()
          return message
        }
        if (failure !== undefined) throw failure
        if (ended) {
          if (decoder.unfinished) throw new FrameError('the stream ended in the middle of a frame')
          return undefined
        }
        signal ??= signalOf(deadline)
        if (signal.aborted) {
          if (taken > 0 && !decoder.unfinished) throw new IdleError({ cause: signal.reason })
          throw signal.reason
        }
        const woken = Promise.withResolvers<unknown>()
        wake = () => woken.resolve(undefined)
        signal.addEventListener('abort', woken.resolve, { once: true })
        await woken.promise
        signal.removeEventListener('abort', woken.resolve)
        wake = undefined
      }
    },
    async write(message, deadline) {
      if (!stream.send(encodeFrame(message))) await stream.onDrain({ signal: signalOf(deadline) })
    },
    release() {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('end', onEnd)
      stream.removeEventListener('close', onClose)
    },
  }
}

function signalOf(deadline: Deadline): AbortSignal {
  return typeof deadline === 'function' ? deadline() : deadline
}
