import type { Timer } from '../clock.ts'
import type { Endpoint } from './address.ts'
import type { NetworkHost } from './host.ts'
import { NO_BYTES, type Flow, type Packet, type PacketKind } from './packet.ts'

/** Who uses a connection: a Node handle. Nothing is called after `close`, and nothing at all on a dead host. */
export interface TcpSink {
  connected(): void
  /** It never was, or is no more: the name of an errno. */
  failed(code: string): void
  data(bytes: Uint8Array): void
  /** The other side sends no more. */
  ended(): void
  /** All that was written is on its way. */
  drained(): void
}

/** Bytes on the way, or not read at the other end: what is written beyond has to wait. */
export const WINDOW = 256 * 1024
/** The receiver says what it has read at every quarter of that. */
const WINDOW_STEP = WINDOW / 4
/** When Linux repeats a SYN (tcp_syn_retries 6), in ms after the first, and gives up. */
const SYN_REPEATS_MS = [1_000, 3_000, 7_000, 15_000, 31_000, 63_000] as const
/** How long Linux waits for the last word of a handshake (tcp_synack_retries 5). */
const HANDSHAKE_MS_MAX = 63_000
export const CONNECT_TIMEOUT_MS = 127_000
/** How long Linux repeats what nobody acknowledges (tcp_retries2 15). */
export const UNACKNOWLEDGED_MS_MAX = 924_600
/** How long Linux waits for the other side's last word when nobody is left to hear it (tcp_fin_timeout). */
const FIN_WAIT_MS_MAX = 60_000

const DEAF: TcpSink = { connected() {}, failed() {}, data() {}, ended() {}, drained() {} }

/** One end of a connection. */
export class TcpSocket implements Flow {
  readonly host: NetworkHost
  readonly local: Endpoint
  readonly remote: Endpoint
  sink: TcpSink = DEAF
  arrivalMs = 0
  dead = false
  opaque = false
  /** Handed over by the user, in all. */
  bytesSent = 0
  #state: 'syn-sent' | 'syn-received' | 'open' | 'closed'
  /** Tells a listener that the handshake is over: with a connection, or without. */
  readonly #handshaken: ((socket: TcpSocket | undefined) => void) | undefined
  #timer: Timer | undefined
  #unsent: Uint8Array[] = []
  #inFlight = 0
  #sendSequence = 0
  #finWanted = false
  #finSent = false
  #peer: TcpSocket | undefined
  #receiveSequence = 0
  /** What came before what was sent before it. */
  #early: Map<number, Packet> | undefined
  #unread: Uint8Array[] = []
  #untold = 0
  #reading = false
  #finReceived = false
  #endTold = false
  #error: string | undefined
  #errorTold = false
  #orphan = false

  constructor(init: {
    readonly host: NetworkHost
    readonly local: Endpoint
    readonly remote: Endpoint
    /** Of one that was dialled: called once, with the connection or because there will be none. */
    readonly accepted?: (socket: TcpSocket | undefined) => void
  }) {
    this.host = init.host
    this.local = init.local
    this.remote = init.remote
    this.#handshaken = init.accepted
    this.#state = init.accepted === undefined ? 'syn-sent' : 'syn-received'
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** The other end, once it is known. */
  get peer(): TcpSocket | undefined {
    return this.#peer
  }

  /** Begins the handshake, from the one side or from the other. */
  greet(): void {
    if (this.#state === 'syn-received') {
      this.#timer = this.host.network.after(HANDSHAKE_MS_MAX, () => this.#dispose())
      return this.#send('syn-ack')
    }
    this.#send('syn')
    this.#repeatSyn(0)
  }

  /** Takes bytes to send, which are the socket's from now on; false: `drained` tells when they have left. */
  write(bytes: Uint8Array): boolean {
    this.bytesSent += bytes.length
    this.#unsent.push(bytes)
    this.#flush()
    return this.#unsent.length === 0
  }

  /** Why nothing can be written any more. */
  get writeError(): string | undefined {
    if (this.#error !== undefined) return this.#errorTold ? 'EPIPE' : this.#error
    return this.#state === 'closed' || this.#finWanted ? 'EPIPE' : undefined
  }

  /** How much is written and has not left. */
  get unsentLength(): number {
    return this.#unsent.reduce((length, bytes) => length + bytes.length, 0)
  }

  /** Sends no more after what is written. */
  shutdown(): void {
    this.#finWanted = true
    this.#flush()
  }

  startReading(): void {
    this.#reading = true
    if (this.#unread.length > 0 || this.#finReceived || this.#error !== undefined) {
      // A reader is never called from where it asks.
      this.host.network.soon(() => this.#tell())
    }
  }

  stopReading(): void {
    this.#reading = false
  }

  /** The user is done: what is written is still sent; what was not read breaks the connection. */
  close(): void {
    this.sink = DEAF
    if (this.#state === 'closed') return
    if (this.#state === 'syn-sent') return this.#dispose()
    if (this.#unread.length > 0) return this.reset()
    this.#orphan = true
    this.shutdown()
    // Both sides may have said their last word before.
    this.#settle()
  }

  /** Breaks the connection at once. */
  reset(): void {
    if (this.#state === 'closed') return
    if (this.#state !== 'syn-sent') this.#send('rst')
    this.#dispose()
  }

  /** The host ends: nobody is told. */
  kill(): void {
    this.dead = true
    this.sink = DEAF
    this.#dispose()
  }

  held(): void {
    this.#timer ??= this.host.network.after(UNACKNOWLEDGED_MS_MAX, () => this.fail('ETIMEDOUT'))
  }

  released(): void {
    if (this.#state !== 'open') return
    this.#stopTimer()
    this.#settle()
  }

  receive(packet: Packet): void {
    switch (packet.kind) {
      case 'syn':
        if (this.#state === 'syn-received') this.#send('syn-ack')
        return
      case 'syn-ack':
        if (this.#state !== 'syn-sent') return
        this.#open(packet)
        this.#send('ack')
        this.sink.connected()
        return
      case 'ack':
        this.#accepted(packet)
        if (packet.taken > 0) this.#credit(packet.taken)
        return
      case 'data':
      case 'fin':
        this.#accepted(packet)
        this.#inOrder(packet)
        return
      case 'rst':
        this.fail(this.#state === 'syn-sent' ? 'ECONNREFUSED' : 'ECONNRESET')
        return
      case 'datagram':
      case 'unreachable':
    }
  }

  /** The connection is broken, and the user hears it when it has read what came before. */
  fail(code: string): void {
    if (this.#state === 'closed') return
    const waiting = this.#unsent.length > 0 || this.#state === 'syn-sent'
    this.#error = code
    this.#dispose()
    if (waiting || (this.#reading && this.#unread.length === 0)) this.#tellError()
  }

  #open(packet: Packet): void {
    this.#state = 'open'
    this.#peer = packet.flow as TcpSocket | undefined
    this.#stopTimer()
  }

  #accepted(packet: Packet): void {
    if (this.#state !== 'syn-received') return
    this.#open(packet)
    this.#handshaken?.(this)
  }

  #repeatSyn(times: number): void {
    const beganMs = SYN_REPEATS_MS[times - 1] ?? 0
    const nextMs = SYN_REPEATS_MS[times] ?? CONNECT_TIMEOUT_MS
    this.#timer = this.host.network.after(nextMs - beganMs, () => {
      if (nextMs === CONNECT_TIMEOUT_MS) return this.fail('ETIMEDOUT')
      this.#send('syn')
      this.#repeatSyn(times + 1)
    })
  }

  #flush(): void {
    if (this.#state !== 'open') return
    while (this.#inFlight < WINDOW) {
      const [bytes] = this.#unsent
      if (bytes === undefined) break
      const room = WINDOW - this.#inFlight
      if (bytes.length > room) this.#unsent[0] = bytes.subarray(room)
      else this.#unsent.shift()
      const sent = bytes.length > room ? bytes.subarray(0, room) : bytes
      this.#inFlight += sent.length
      this.#send('data', sent)
      // A fault may have broken the connection with it.
      if (this.#state !== 'open') return
    }
    if (this.#unsent.length > 0 || !this.#finWanted || this.#finSent) return
    this.#finSent = true
    this.#send('fin')
    this.#settle()
  }

  #credit(taken: number): void {
    const waited = this.#unsent.length > 0
    this.#inFlight -= taken
    this.#flush()
    if (waited && this.#unsent.length === 0) this.sink.drained()
  }

  #inOrder(packet: Packet): void {
    if (packet.sequence !== this.#receiveSequence) {
      if (packet.sequence > this.#receiveSequence) {
        this.#early ??= new Map()
        this.#early.set(packet.sequence, packet)
      }
      return
    }
    this.#take(packet)
    for (;;) {
      const next = this.#early?.get(this.#receiveSequence)
      if (next === undefined) break
      this.#early?.delete(next.sequence)
      this.#take(next)
    }
    this.#tell()
  }

  #take(packet: Packet): void {
    this.#receiveSequence += 1
    if (packet.kind === 'fin') {
      this.#finReceived = true
      this.#settle()
    } else if (this.#orphan) {
      // Nobody is left to read it, and the other side must know.
      this.reset()
    } else this.#unread.push(packet.bytes)
  }

  /** Hands over what has come, for as long as the user reads. */
  #tell(): void {
    while (this.#reading) {
      const bytes = this.#unread.shift()
      if (bytes === undefined) break
      this.#taken(bytes.length)
      this.sink.data(bytes)
    }
    if (!this.#reading || this.#unread.length > 0) return
    if (this.#error !== undefined) return this.#tellError()
    if (!this.#finReceived || this.#endTold) return
    this.#endTold = true
    this.sink.ended()
  }

  #tellError(): void {
    if (this.#error === undefined || this.#errorTold) return
    this.#errorTold = true
    this.sink.failed(this.#error)
  }

  /**
   * Makes room in the sender's window. Only a sender that waits needs to hear of it by a packet: one event less for
   * nearly every packet of data.
   */
  #taken(length: number): void {
    const peer = this.#peer
    this.#untold += length
    if (peer === undefined) return
    if (peer.#unsent.length === 0) {
      peer.#credit(this.#untold)
      this.#untold = 0
    } else if (this.#untold >= WINDOW_STEP || this.#unread.length === 0) {
      this.#send('ack', NO_BYTES, this.#untold)
      this.#untold = 0
    }
  }

  #send(kind: PacketKind, bytes: Uint8Array = NO_BYTES, taken = 0): void {
    const ordered = kind === 'data' || kind === 'fin'
    this.host.network.send(this.host, {
      kind,
      source: this.local,
      target: this.remote,
      sequence: ordered ? this.#sendSequence++ : 0,
      bytes,
      taken,
      flow: this,
    })
  }

  /** A connection that the user has left ends when both sides have said their last word. */
  #settle(): void {
    if (!this.#orphan || !this.#finSent) return
    if (this.#finReceived) this.#dispose()
    else this.#timer ??= this.host.network.after(FIN_WAIT_MS_MAX, () => this.#dispose())
  }

  #dispose(): void {
    if (this.#state === 'syn-received') this.#handshaken?.(undefined)
    this.#state = 'closed'
    this.#stopTimer()
    this.#unsent = []
    this.#early = undefined
    this.#peer = undefined
    this.host.forget(this)
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.host.network.cancel(this.#timer)
    this.#timer = undefined
  }
}
