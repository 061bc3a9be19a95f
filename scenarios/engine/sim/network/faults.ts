import type { Network } from './network.ts'
import type { TcpSocket } from './tcp.ts'

/** Which ways a fault is on: from these hosts (or NATs) to those; left out: all. */
export interface Ways {
  readonly from?: readonly string[] | undefined
  readonly to?: readonly string[] | undefined
}

/** Ends a fault. */
export type Heal = () => void

/** What stands between hosts. */
interface Barrier {
  blocks(from: string, to: string): boolean
  /** A stall: datagrams wait too, instead of being lost. */
  readonly holdsAll: boolean
}

interface ResetRule extends Ways {
  readonly afterBytes: number
  /** By connection. */
  readonly sent: WeakMap<TcpSocket, number>
}

/** What is wrong with a network beside the properties of its links. */
export class NetworkFaults {
  readonly #network: Network
  readonly #barriers = new Set<Barrier>()
  readonly #resets = new Set<ResetRule>()
  readonly #handshakeResets = new Set<Ways>()
  readonly #unreachable = new Set<ReadonlySet<string>>()

  constructor(network: Network) {
    this.#network = network
  }

  /**
   * Nothing gets through: datagrams are lost, bytes of connections arrive after healing.
   *
   * @param ways both directions, unless `oneWay` is true
   */
  partition(ways: Ways & { readonly oneWay?: boolean }): Heal {
    const { from, to, oneWay = false } = ways
    return this.#raise({
      holdsAll: false,
      blocks: (one, other) =>
        isOn({ from, to }, one, other) || (!oneWay && isOn({ from, to }, other, one)),
    })
  }

  /** One host against all others. */
  isolate(host: string): Heal {
    return this.#raise({
      holdsAll: false,
      blocks: (one, other) => (one === host) !== (other === host),
    })
  }

  /** Each of the hosts reaches only the one before and the one after it; hosts that are not named reach everybody. */
  ring(hosts: readonly string[]): Heal {
    const place = new Map(hosts.map((host, index) => [host, index]))
    return this.#raise({
      holdsAll: false,
      blocks(one, other) {
        const [a, b] = [place.get(one), place.get(other)]
        if (a === undefined || b === undefined) return false
        const distance = Math.abs(a - b)
        return distance !== 1 && distance !== hosts.length - 1
      },
    })
  }

  /** Everything waits, datagrams too, and arrives after healing. */
  stall(ways: Ways): Heal {
    return this.#raise({ holdsAll: true, blocks: (one, other) => isOn(ways, one, other) })
  }

  /** Breaks the connections that there are now, at both ends, whichever of them has dialled. */
  reset(ways: Ways): number {
    const broken = new Set<TcpSocket>()
    for (const host of this.#network.hosts) {
      for (const socket of host.connections()) {
        const { peer } = socket
        if (peer === undefined || !isOn(ways, host.name, peer.host.name)) continue
        broken.add(socket).add(peer)
      }
    }
    for (const socket of broken) this.#break(socket)
    return broken.size / 2
  }

  /** Ends the connections that there are now in one direction: who is at `from` says no more on them, and still hears. */
  halfClose(ways: Ways): number {
    let closed = 0
    for (const host of this.#network.hosts) {
      for (const socket of host.connections()) {
        const { peer } = socket
        if (peer === undefined || !isOn(ways, host.name, peer.host.name)) continue
        this.#network.soon(() => socket.shutdown())
        closed += 1
      }
    }
    return closed
  }

  /** Breaks each connection when so many more bytes have gone the way. */
  resetAfter(ways: Ways, afterBytes: number): Heal {
    const rule: ResetRule = { ...ways, afterBytes, sent: new WeakMap() }
    this.#resets.add(rule)
    return () => this.#resets.delete(rule)
  }

  /** Breaks connections as soon as their dialler has them: whoever listens never hears of them. */
  resetHandshakes(ways: Ways): Heal {
    this.#handshakeResets.add(ways)
    return () => this.#handshakeResets.delete(ways)
  }

  /**
   * A router answers that there is no way to these addresses: a dial fails at once (EHOSTUNREACH), what is open waits.
   * Otherwise one that nobody has says nothing.
   */
  noRoute(...addresses: readonly string[]): Heal {
    const unreachable = new Set(addresses)
    this.#unreachable.add(unreachable)
    return () => {
      if (this.#unreachable.delete(unreachable)) this.#network.release()
    }
  }

  hasNoRoute(address: string): boolean {
    if (this.#unreachable.size === 0) return false
    return [...this.#unreachable].some((addresses) => addresses.has(address))
  }

  /** What a packet meets: undefined where it passes. */
  barrier(from: string, to: string): 'lose' | 'hold' | undefined {
    if (this.#barriers.size === 0) return undefined
    let met: 'lose' | 'hold' | undefined
    for (const barrier of this.#barriers) {
      if (!barrier.blocks(from, to)) continue
      if (!barrier.holdsAll) return 'lose'
      met = 'hold'
    }
    return met
  }

  resetsHandshake(from: string, to: string): boolean {
    for (const ways of this.#handshakeResets) if (isOn(ways, from, to)) return true
    return false
  }

  /** Counts what a connection sends; true: it is broken now. */
  breaks(socket: TcpSocket, to: string, length: number): boolean {
    if (this.#resets.size === 0) return false
    for (const rule of this.#resets) {
      if (!isOn(rule, socket.host.name, to)) continue
      const sent = (rule.sent.get(socket) ?? 0) + length
      rule.sent.set(socket, sent)
      if (sent < rule.afterBytes) continue
      const { peer } = socket
      this.#break(socket)
      if (peer !== undefined) this.#break(peer)
      return true
    }
    return false
  }

  /** Never from where somebody is writing. */
  #break(socket: TcpSocket): void {
    this.#network.soon(() => socket.fail('ECONNRESET'))
  }

  #raise(barrier: Barrier): Heal {
    this.#barriers.add(barrier)
    return () => {
      if (this.#barriers.delete(barrier)) this.#network.release()
    }
  }
}

function isOn({ from, to }: Ways, one: string, other: string): boolean {
  return (from === undefined || from.includes(one)) && (to === undefined || to.includes(other))
}
