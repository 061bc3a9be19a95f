import { createHash, type Hash } from 'node:crypto'

/** A packet on the virtual network, as its shape is told. */
export interface PacketShape {
  readonly atMs: number
  readonly from: string
  readonly to: string
  readonly length: number
}

/** What two runs of one seed must agree in; hexadecimal. */
export interface TraceDigest {
  /** What the hosts told: events of the services, faults, verdicts. */
  readonly events: string
  /** When packets went, between whom, and how long they were. */
  readonly shape: string
  /** What was in them. */
  readonly bytes: string
  readonly eventCount: number
  readonly packetCount: number
  readonly byteCount: number
}

/** Text is hashed when there is this much of it: each call into the hash costs more than its characters. */
const BUFFERED_LENGTH_MAX = 16_384

/** OpenSSL's words for an error begin with the number of a thread. */
const OPENSSL_THREAD = /\b[0-9A-F]{8,16}:(?=error:)/g

/** Everything that happened in a world as three hashes, from the coarse to the fine. */
export class TraceHashes {
  readonly #events = createHash('sha256')
  readonly #shape = createHash('sha256')
  readonly #bytes = createHash('sha256')
  #shapeText = ''
  #eventCount = 0
  #packetCount = 0
  #byteCount = 0

  /** Something that a host told. `detail` counts as JSON. */
  event(atMs: number, host: string, event: string, detail: unknown = {}): void {
    this.#eventCount += 1
    const told = JSON.stringify(detail).replaceAll(OPENSSL_THREAD, '')
    this.#events.update(`${atMs} ${host} ${event} ${told}\n`)
  }

  /** Something that was sent. Without `bytes` only its shape counts: what is encrypted by TLS differs in each run. */
  packet({ atMs, from, to, length }: PacketShape, bytes?: Uint8Array): void {
    this.#packetCount += 1
    this.#byteCount += length
    this.#shapeText += `${atMs} ${from} ${to} ${length}\n`
    if (this.#shapeText.length > BUFFERED_LENGTH_MAX) this.#flush()
    if (bytes !== undefined) this.#bytes.update(bytes)
  }

  /** The hashes so far; the trace can go on. */
  digest(): TraceDigest {
    this.#flush()
    return {
      events: soFar(this.#events),
      shape: soFar(this.#shape),
      bytes: soFar(this.#bytes),
      eventCount: this.#eventCount,
      packetCount: this.#packetCount,
      byteCount: this.#byteCount,
    }
  }

  #flush(): void {
    this.#shape.update(this.#shapeText)
    this.#shapeText = ''
  }
}

function soFar(hash: Hash): string {
  return hash.copy().digest('hex')
}
