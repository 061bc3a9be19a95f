import type { Stream } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { errorOf, refusalFromErrorCode } from '../wire/errors.ts'
import { DNS01Request, DNS01Response } from '../wire/messages.ts'
import {
  CLIENT_FRAME_LENGTH_MAX,
  DNS01_PROTOCOL,
  DNS01_REMOVE_PROTOCOL,
} from '../wire/protocols.ts'
import { frameStream, type FrameStream } from '../wire/stream.ts'
import { orAbort } from './abort.ts'

/** What the writer needs of its libp2p node. */
export interface DnsWriterComponents {
  readonly connectionManager: Pick<ConnectionManager, 'openStream'>
}

/** A DNS server to write to. */
export interface DnsWriterTarget {
  readonly addresses: readonly Multiaddr[]
  /** Time for connecting, and for each answer, in ms. */
  readonly silenceMs: number
  /** Called when a stream on which values were set has ended, whoever ended it: the server may have been restarted. */
  readonly onDropped?: () => void
}

/** Requests that wait for their answers on one stream. */
const REQUESTS_WAITING_MAX = 1024

/** Speaks dns-01 with one DNS server: a stream to set values and one to remove them, each opened when needed. */
export class DnsWriter {
  readonly #set: RequestStream
  readonly #remove: RequestStream

  constructor(target: DnsWriterTarget, components: DnsWriterComponents) {
    const { onDropped: _onlyOfValuesThatWereSet, ...removing } = target
    this.#set = new RequestStream(DNS01_PROTOCOL, target, components)
    this.#remove = new RequestStream(DNS01_REMOVE_PROTOCOL, removing, components)
  }

  /**
   * Sets one value. Setting it again is harmless, so a stream that was dropped is opened again once (NT-DNS01-013).
   * @throws {RefusalError} when the server answers with an error; the stream's error otherwise.
   */
  async set(
    challenge: DNS01Request,
    options: {
      readonly signal: AbortSignal
      /** Called before the request goes out: from then on the server may have the value, whatever comes back. */
      readonly onSend?: () => void
    },
  ): Promise<void> {
    const response = await this.#set.request(challenge, options)
    if (response.error !== 0) throw refusalFromErrorCode(response.error, 'setting a challenge')
  }

  /**
   * Removes one value. False when the server has no protocol for that, as those of 2018: the value expires there by
   * itself, and nothing is ever asked of the protocol that sets values.
   */
  async remove(challenge: DNS01Request, signal: AbortSignal): Promise<boolean> {
    try {
      const response = await this.#remove.request(challenge, { signal })
      if (response.error !== 0) throw refusalFromErrorCode(response.error, 'removing a challenge')
      return true
    } catch (error) {
      if ((error as Error).name === 'UnsupportedProtocolError') return false
      throw error
    }
  }

  close(): void {
    this.#set.close()
    this.#remove.close()
  }
}

/** Requests and answers on one kept stream: many may be under way, answers come in their order (NT-DNS01-009). */
class RequestStream {
  readonly #protocol: string
  readonly #target: DnsWriterTarget
  readonly #components: DnsWriterComponents
  readonly #closing = new AbortController()
  #open: Promise<OpenStream> | undefined

  constructor(protocol: string, target: DnsWriterTarget, components: DnsWriterComponents) {
    this.#protocol = protocol
    this.#target = target
    this.#components = components
  }

  async request(
    request: DNS01Request,
    { signal, onSend }: { readonly signal: AbortSignal; readonly onSend?: () => void },
  ): Promise<DNS01Response> {
    const kept = this.#open
    try {
      const stream = await this.#stream(signal)
      onSend?.()
      return await stream.request(request, signal)
    } catch (error) {
      signal.throwIfAborted()
      // What failed on a kept stream may just have been dropped since; what failed on a new one has failed.
      if (kept === undefined || this.#closing.signal.aborted) throw error
      const stream = await this.#stream(signal)
      onSend?.()
      return stream.request(request, signal)
    }
  }

  close(): void {
    this.#closing.abort(new Error('the dns writer was closed'))
    this.#open?.then((stream) => stream.end(this.#closing.signal.reason)).catch(() => {})
  }

  /** The open stream, or a new one; all who wait for it share the opening, which none of them can abort. */
  async #stream(signal: AbortSignal): Promise<OpenStream> {
    const kept = this.#open
    if (kept !== undefined) {
      const stream = await orAbort(kept, signal)
      if (stream.usable) return stream
      stream.end(new Error('the dns server ended the stream'))
      // Another request may have opened the next one meanwhile.
      if (this.#open === kept) this.#open = undefined
    }
    this.#open ??= this.#connect()
    return orAbort(this.#open, signal)
  }

  #connect(): Promise<OpenStream> {
    const opening = (async () => {
      const opened = this.#components.connectionManager.openStream(
        [...this.#target.addresses],
        this.#protocol,
        {
          signal: AbortSignal.any([
            this.#closing.signal,
            AbortSignal.timeout(this.#target.silenceMs),
          ]),
        },
      )
      const stream = await opened.catch((thrown: unknown) => {
        throw errorOf(thrown)
      })
      const { silenceMs, onDropped } = this.#target
      stream.addEventListener('close', () => {
        if (!this.#closing.signal.aborted) onDropped?.()
      })
      return new OpenStream(stream, silenceMs)
    })()
    opening.catch(() => {
      if (this.#open === opening) this.#open = undefined
    })
    return opening
  }
}

class OpenStream {
  readonly #stream: Stream
  readonly #frames: FrameStream
  /** A new one for each message, and only where there is something to wait for. */
  readonly #silence: () => AbortSignal
  readonly #waiting: PromiseWithResolvers<DNS01Response>[] = []
  #over = false
  #reading = false

  constructor(stream: Stream, silenceMs: number) {
    this.#silence = () => AbortSignal.timeout(silenceMs)
    this.#stream = stream
    this.#frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  }

  get usable(): boolean {
    return !this.#over && this.#stream.status === 'open' && !this.#stream.readableEnded
  }

  async request(request: DNS01Request, signal: AbortSignal): Promise<DNS01Response> {
    if (this.#over) throw new Error('the stream to the dns server has ended')
    if (this.#waiting.length >= REQUESTS_WAITING_MAX) {
      throw new Error(`more than ${REQUESTS_WAITING_MAX} requests wait for the dns server`)
    }
    const answer = Promise.withResolvers<DNS01Response>()
    // Whoever gives up waiting leaves its place: the answers of the others come in order behind it.
    answer.promise.catch(() => {})
    this.#waiting.push(answer)
    try {
      await this.#frames.write(DNS01Request.encode(request), this.#silence)
    } catch (error) {
      this.end(error as Error)
    }
    this.#read().catch((error: unknown) => this.end(error as Error))
    return orAbort(answer.promise, signal)
  }

  /** Too long without an answer ends the stream and all who wait on it (NT-DNS01-012). */
  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#waiting.length > 0) {
        const message = await this.#frames.read(this.#silence)
        if (message === undefined) throw new Error('the dns server ended the stream')
        this.#waiting.shift()?.resolve(DNS01Response.decode(message))
      }
    } finally {
      this.#reading = false
    }
  }

  end(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#frames.release()
    this.#stream.abort(error)
    for (const answer of this.#waiting.splice(0)) answer.reject(error)
  }
}
