import type { Random } from '../random.ts'

/** What the way from one host to another does to packets. Times are whole milliseconds; rates are from 0 to 1. */
export interface LinkOptions {
  /** One way. @default 20 */
  readonly latencyMs?: number
  /** At most so much more, drawn for each packet. @default 0 */
  readonly jitterMs?: number
  /** @default no bound */
  readonly bytesPerSecond?: number | undefined
  /** Of datagrams; TCP repeats what is lost. @default 0 */
  readonly lossRate?: number
  /** @default 0 */
  readonly duplicateRate?: number
  /** Datagrams that are held up until later ones have overtaken them. @default 0 */
  readonly reorderRate?: number
  /** Datagrams of which a bit flips that the checksum misses. @default 0 */
  readonly corruptRate?: number
  /** Longer datagrams need fragments, which this way loses: 1232 is what IPv6 and DNS rely on. @default 65507 */
  readonly datagramLengthMax?: number
}

export const LATENCY_MS = 20
export const DATAGRAM_LENGTH_MAX = 65_507
/** A link of which nothing is said. */
export const USUAL_LINK = {
  latencyMs: LATENCY_MS,
  jitterMs: 0,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  corruptRate: 0,
  datagramLengthMax: DATAGRAM_LENGTH_MAX,
} satisfies LinkOptions
/** IPv4 and TCP without options. */
const HEADER_LENGTH = 40
const US_PER_MS = 1000
/** How much later a reordered datagram is, in latencies: enough that the next ones pass it. */
const REORDER_LATENCIES = 2
const BITS_PER_BYTE = 8

/** One direction between two hosts. Each kind of chance has its own stream: one less of them moves none of the others. */
export class Link {
  readonly #random: Random
  readonly #streams = new Map<string, Random>()
  #options: LinkOptions
  /** When the last byte so far has left, in microseconds. */
  #freeAtUs = 0

  constructor(random: Random, options: LinkOptions) {
    this.#random = random
    this.#options = options
  }

  get options(): LinkOptions {
    return this.#options
  }

  change(options: LinkOptions): void {
    this.#options = { ...this.#options, ...options }
  }

  /** How long a packet takes that is sent now: whole milliseconds. */
  delayMs(nowMs: number, length: number): number {
    const { latencyMs = LATENCY_MS, jitterMs = 0, bytesPerSecond } = this.#options
    const jitter = jitterMs === 0 ? 0 : this.#stream('jitter').integer(0, jitterMs)
    if (bytesPerSecond === undefined) return latencyMs + jitter
    const startUs = Math.max(this.#freeAtUs, nowMs * US_PER_MS)
    this.#freeAtUs = startUs + Math.ceil(((length + HEADER_LENGTH) * 1_000_000) / bytesPerSecond)
    return Math.ceil(this.#freeAtUs / US_PER_MS) - nowMs + latencyMs + jitter
  }

  /** The datagrams that come out at the other end for one that goes in, each with its delay. */
  carry(nowMs: number, bytes: Uint8Array): readonly Carried[] {
    const { lossRate, duplicateRate, datagramLengthMax = DATAGRAM_LENGTH_MAX } = this.#options
    const delayMs = this.delayMs(nowMs, bytes.length)
    if (bytes.length > datagramLengthMax || this.#happens('loss', lossRate)) return []
    const first = this.#copy(bytes, delayMs)
    if (!this.#happens('duplicate', duplicateRate)) return [first]
    return [first, this.#copy(bytes.slice(), this.delayMs(nowMs, bytes.length))]
  }

  #copy(bytes: Uint8Array, delayMs: number): Carried {
    const { corruptRate, reorderRate, latencyMs = LATENCY_MS, jitterMs = 0 } = this.#options
    const late = this.#happens('reorder', reorderRate)
    return {
      bytes: this.#happens('corrupt', corruptRate) ? this.#corrupted(bytes) : bytes,
      delayMs: late ? delayMs + REORDER_LATENCIES * (latencyMs + jitterMs) : delayMs,
    }
  }

  #corrupted(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes
    const bit = this.#stream('bit').integer(0, bytes.length * BITS_PER_BYTE - 1)
    const corrupted = Uint8Array.from(bytes)
    const index = Math.floor(bit / BITS_PER_BYTE)
    corrupted[index] = (corrupted[index] ?? 0) ^ (1 << (bit % BITS_PER_BYTE))
    return corrupted
  }

  #happens(what: string, rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#stream(what).float() < rate
  }

  #stream(label: string): Random {
    let stream = this.#streams.get(label)
    if (stream === undefined) {
      stream = this.#random.fork(label)
      this.#streams.set(label, stream)
    }
    return stream
  }
}

/** A datagram at the end of a link. */
export interface Carried {
  readonly bytes: Uint8Array
  readonly delayMs: number
}
