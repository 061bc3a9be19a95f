import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { sourceAddress } from './peers.ts'
import { windows, type Attack, type Window } from './subject.ts'
import {
  answerProblem,
  hostilePacket,
  hostileStream,
  wantsAnswer,
  wellFormedQuery,
  wellFormedStream,
} from './dns-packets.ts'

const ANSWER_TIMEOUT_MS = 5_000
const WINDOW_UDP = 32
const WINDOW_TCP = 200
/** One connection after another, each closed after so many windows. */
const WINDOWS_PER_CONNECTION = 5
const GROUP = 3
const CONNECTIONS_AT_ONCE = 16
const STREAMS = { polite: wellFormedStream, hostile: hostileStream }
const PACKETS = { polite: wellFormedQuery, hostile: hostilePacket }

/** Sends packets in datagrams, a window at a time, and wants an answer to each that has to have one. */
export async function attackUdp(attack: Attack): Promise<void> {
  const socket = createSocket('udp4')
  const { address, port } = attack.places.queries
  socket.connect(port, address)
  await once(socket, 'connect')
  try {
    for (const window of windows(PACKETS, attack, WINDOW_UDP)) {
      const packets = numbered(window)
      // Datagrams may be lost, if only for want of room: what is silent is asked a second time.
      const report = reporter(attack, window)
      const left = await exchangeUdp(socket, packets, report)
      const lost = left.size === 0 ? left : await exchangeUdp(socket, left, report)
      for (const [id] of lost) report(id, 'no answer to a datagram')
      attack.sent(window.inputs.length)
    }
  } finally {
    socket.close()
  }
}

/** Sends packets over TCP, many at a time. A connection that ends before it was told to is a failure. */
export async function attackTcp(attack: Attack): Promise<void> {
  const { address, port } = attack.places.queries
  let socket: Socket | undefined
  let count = 0
  for (const window of windows(PACKETS, attack, WINDOW_TCP)) {
    if (socket === undefined || count % WINDOWS_PER_CONNECTION === 0) {
      socket?.resetAndDestroy()
      const localAddress = sourceAddress(GROUP, count)
      socket = connect({
        host: address,
        port,
        ...(localAddress === undefined ? {} : { localAddress }),
      })
      await once(socket, 'connect')
    }
    count += 1
    const packets = numbered(window)
    const report = reporter(attack, window)
    const left = await exchangeTcp(socket, packets, report)
    for (const [id] of left) report(id, 'no answer over TCP')
    if (left.size > 0) socket = undefined
    attack.sent(window.inputs.length)
  }
  socket?.resetAndDestroy()
}

/** Opens connections, writes bytes that are no frames or lie about their length, and ends them. */
export async function attackTcpFraming(attack: Attack): Promise<void> {
  const { address, port } = attack.places.queries
  let connections = 0
  for (const window of windows(STREAMS, attack, CONNECTIONS_AT_ONCE)) {
    await Promise.all(
      window.inputs.map(async (bytes, index) => {
        const localAddress = sourceAddress(GROUP + 1, connections++)
        const socket = connect({
          host: address,
          port,
          ...(localAddress === undefined ? {} : { localAddress }),
        })
        const received: Buffer[] = []
        socket.on('data', (chunk) => received.push(chunk))
        const closed = once(socket, 'close', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
        socket.end(bytes)
        await closed.catch(() => {
          attack.failed(window.first + index, 'the server keeps a connection that was ended')
        })
        socket.resetAndDestroy()
        for (const answer of framesOf(Buffer.concat(received))) {
          if (((answer[2] ?? 0) & 0x80) === 0) {
            attack.failed(window.first + index, 'an answer without QR')
          }
        }
      }),
    )
    attack.sent(window.inputs.length)
  }
}

type Packets = Map<number, Uint8Array>
type Report = (id: number, problem: string) => void

function reporter(attack: Attack, { first }: Window<unknown>): Report {
  return (id, problem) => attack.failed(first + id, problem)
}

/** The id tells packets apart: it is the place in the window. */
function numbered({ inputs }: Window<Uint8Array>): Packets {
  return new Map(
    inputs.map((packet, index) => {
      const copy = Uint8Array.from(packet)
      if (copy.length > 1) copy.set([index >> 8, index & 255])
      return [index, copy]
    }),
  )
}

async function exchangeUdp(socket: UdpSocket, packets: Packets, report: Report): Promise<Packets> {
  const exchange = new Exchange(packets, 'udp', report)
  const onMessage = (answer: Buffer): void => exchange.answered(answer)
  socket.on('message', onMessage)
  for (const packet of packets.values()) socket.send(packet)
  const left = await exchange.over()
  socket.off('message', onMessage)
  return left
}

async function exchangeTcp(socket: Socket, packets: Packets, report: Report): Promise<Packets> {
  const exchange = new Exchange(packets, 'tcp', report)
  let pending = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    pending = Buffer.concat([pending, chunk])
    let length = 0
    for (const answer of framesOf(pending)) {
      exchange.answered(answer)
      length += 2 + answer.length
    }
    pending = pending.subarray(length)
  }
  const onError = (): void => exchange.giveUp()
  socket.on('data', onData)
  socket.on('error', onError)
  socket.on('close', onError)
  socket.write(
    Buffer.concat(
      Array.from(packets.values(), (packet) =>
        Buffer.concat([Uint8Array.of(packet.length >> 8, packet.length & 255), packet]),
      ),
    ),
  )
  const left = await exchange.over()
  socket.off('data', onData)
  socket.off('close', onError)
  return left
}

/** Those packets of a window whose answers are still to come. */
class Exchange {
  readonly #left: Packets
  readonly #packets: Packets
  readonly #transport: 'udp' | 'tcp'
  readonly #report: Report
  readonly #over = Promise.withResolvers<void>()
  readonly #timer: NodeJS.Timeout

  constructor(packets: Packets, transport: 'udp' | 'tcp', report: Report) {
    this.#packets = packets
    this.#left = new Map([...packets].filter(([, packet]) => wantsAnswer(packet)))
    this.#transport = transport
    this.#report = report
    this.#timer = setTimeout(() => this.giveUp(), ANSWER_TIMEOUT_MS)
    if (this.#left.size === 0) this.giveUp()
  }

  answered(answer: Uint8Array): void {
    const id = ((answer[0] ?? 0) << 8) | (answer[1] ?? 0)
    const packet = this.#packets.get(id)
    const problem =
      packet === undefined
        ? 'an answer with an id that nobody used'
        : answerProblem(packet, answer, this.#transport)
    if (problem !== undefined) this.#report(id, problem)
    this.#left.delete(id)
    if (this.#left.size === 0) this.giveUp()
  }

  giveUp(): void {
    this.#over.resolve()
  }

  /** What was not answered. */
  async over(): Promise<Packets> {
    await this.#over.promise
    clearTimeout(this.#timer)
    return this.#left
  }
}

function* framesOf(bytes: Buffer): Generator<Uint8Array> {
  for (let position = 0; position + 2 <= bytes.length;) {
    const end = position + 2 + bytes.readUInt16BE(position)
    if (end > bytes.length) return
    yield bytes.subarray(position + 2, end)
    position = end
  }
}
