import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { wire } from '../../impl/index.ts'
import { dialler, sourceAddress } from './peers.ts'
import type { Attack } from './subject.ts'

/** Others are watched for so long while the slow ones are there; a small number of them is only a look. */
const HOLD_MS_PER_PEER = 2
const HOLD_MS_MAX = 15_000
/** A byte at a time, far slower than anything that is meant. */
const DRIBBLE_INTERVAL_MS = 1_000
/** Whoever is thrown out comes back. */
const RETURN_MS = 5_000
const CONNECTING_AT_ONCE = 100
/** libp2p lets an address connect 50 times a second at most; each node has an address. */
const CONNECTIONS_PER_NODE = 40
/** What a process has open besides. */
const OTHER_FILES = 500
const GROUP = 8
const GROUP_OF_NODES = 9

/** What dribblers write: the beginning of what belongs there. */
const MULTISTREAM = Buffer.from('\u0013/multistream/1.0.0\n')
const DNS_QUERY = Buffer.from('0022000701000001000000000000', 'hex')

/**
 * Connections that say nothing, that dribble, that finish libp2p's handshake and then say nothing, and that dribble on
 * a stream: three in ten at DNS over TCP, six at libp2p's ports before the handshake, one after it. Those that are
 * thrown out come back.
 */
export async function besiege(attack: Attack): Promise<void> {
  const count = attack.to - attack.from
  checkOpenFiles(count)
  const siege = new Siege(attack)
  try {
    await siege.lay(count)
    attack.begun()
    await pause(Math.min(HOLD_MS_MAX, HOLD_MS_PER_PEER * count), undefined, {
      signal: attack.signal,
    })
  } finally {
    await siege.lift()
  }
}

class Siege {
  readonly #attack: Attack
  readonly #sockets = new Set<Socket>()
  readonly #dribblers = new Map<Socket | Stream, Buffer>()
  readonly #nodes: ReturnType<typeof dialler>[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #dribbling: NodeJS.Timeout
  #over = false
  #handshaken = 0
  #thrownOut = 0
  #peak = 0

  constructor(attack: Attack) {
    this.#attack = attack
    this.#dribbling = setInterval(() => this.#dribble(), DRIBBLE_INTERVAL_MS)
  }

  async lay(count: number): Promise<void> {
    const { from, signal } = this.#attack
    for (let index = from; index < from + count; index += CONNECTING_AT_ONCE) {
      signal.throwIfAborted()
      const batch = Math.min(CONNECTING_AT_ONCE, from + count - index)
      await Promise.all(Array.from({ length: batch }, (_, offset) => this.#come(index + offset)))
      this.#attack.sent(batch)
    }
  }

  async lift(): Promise<void> {
    this.#over = true
    clearInterval(this.#dribbling)
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.destroy()
    for (const node of this.#nodes) await (await node).stop()
    this.#attack.note(
      `${this.#peak} sockets and ${this.#handshaken} libp2p connections at once, thrown out ${this.#thrownOut} times`,
    )
  }

  async #come(index: number): Promise<void> {
    const { dns, issue, proof, queries } = this.#attack.places
    const kind = index % 10
    if (kind === 9) {
      await this.#shakeHands(index, [proof, issue][index % 20 < 10 ? 0 : 1] ?? proof)
    } else if (kind < 3) {
      await this.#connect(index, { host: queries.address, port: queries.port }, DNS_QUERY)
    } else {
      const { port, host } = endpoint({ 3: dns, 4: issue }[kind] ?? proof)
      await this.#connect(index, { host, port }, MULTISTREAM)
    }
  }

  async #connect(
    index: number,
    to: { readonly host: string; readonly port: number },
    text: Buffer,
  ): Promise<void> {
    const localAddress = sourceAddress(GROUP, index)
    const socket = connect({ ...to, ...(localAddress === undefined ? {} : { localAddress }) })
    const settled = Promise.withResolvers<void>()
    socket.once('connect', () => {
      this.#sockets.add(socket)
      this.#peak = Math.max(this.#peak, this.#sockets.size)
      // Every other one is silent.
      if (index % 2 === 0) this.#dribblers.set(socket, text)
      settled.resolve()
    })
    socket.on('error', () => socket.destroy())
    // What a server says first has to be read, or its end would not be seen.
    socket.resume()
    socket.once('close', () => {
      settled.resolve()
      this.#sockets.delete(socket)
      this.#dribblers.delete(socket)
      if (this.#over) return
      this.#thrownOut += 1
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        void this.#connect(index, to, text)
      }, RETURN_MS)
      this.#timers.add(timer)
    })
    await settled.promise
  }

  async #shakeHands(index: number, to: string): Promise<void> {
    const nodeIndex = Math.floor(this.#handshaken / CONNECTIONS_PER_NODE)
    this.#handshaken += 1
    const node = await (this.#nodes[nodeIndex] ??= dialler({
      from: sourceAddress(GROUP_OF_NODES, nodeIndex),
    }))
    let connection: Connection
    try {
      connection = await node.dial(multiaddr(to), { force: true })
    } catch {
      this.#handshaken -= 1
      this.#thrownOut += 1
      return
    }
    if (index % 20 !== 19) return
    try {
      const stream = await connection.newStream(wire.ISSUE_PROTOCOL)
      this.#dribblers.set(stream, Buffer.from([0xff, 0xff, 0x03, ...MULTISTREAM]))
      stream.addEventListener('close', () => this.#dribblers.delete(stream))
    } catch {
      // The server has had enough streams of this peer.
      this.#thrownOut += 1
    }
  }

  #dribble(): void {
    for (const [place, text] of this.#dribblers) {
      if (text.length === 0) continue
      this.#dribblers.set(place, text.subarray(1))
      try {
        if ('send' in place) place.send(text.subarray(0, 1))
        else place.write(text.subarray(0, 1))
      } catch {
        this.#dribblers.delete(place)
      }
    }
  }
}

/** Each peer is a socket here, and another one in the servers' process. */
function checkOpenFiles(count: number): void {
  const { userLimits } = process.report.getReport() as unknown as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } }
  }
  const limit = userLimits?.open_files?.soft
  const wanted = count + OTHER_FILES
  if (typeof limit === 'number' && limit < wanted) {
    throw new Error(
      `${count} peers need ${wanted} open files, the limit is ${limit}: raise it (ulimit -n)`,
    )
  }
}

function endpoint(address: string): { readonly host: string; readonly port: number } {
  const [host, port] = multiaddr(address).getComponents()
  return { host: host?.value ?? '', port: Number(port?.value) }
}
