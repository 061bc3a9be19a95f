import type { Nat, Network } from '../sim/network/index.ts'
import type { NatPlan, Place, PlaceInit } from './driver.ts'

/** What a host behind a router is given. */
export interface Connection {
  readonly nat: Nat
  /** As every home has it: hosts of different routers have the same one. */
  readonly privateAddress: string
}

interface Router {
  readonly nat: Nat
  readonly members: Member[]
  /** Who has left keeps the address. */
  joined: number
}

interface Member {
  readonly host: string
  readonly plan: NatPlan
  readonly privateAddress: string
  /** Those of its place, which others see. */
  readonly addresses: Partial<Record<4 | 6, string>>
}

const HOME_NETWORK = '192.168.1'
const HOST_FIRST = 10

/** The routers of a simulated world, and who is behind them. */
export class Routers {
  readonly #network: Network
  readonly #freshAddress: () => string
  readonly #routers = new Map<string, Router>()
  #moves = 0

  /** @param freshAddress gives a public IPv4 address that nobody had before */
  constructor(network: Network, freshAddress: () => string) {
    this.#network = network
    this.#freshAddress = freshAddress
  }

  /**
   * Puts a host behind the router that its plan names.
   *
   * @param addresses of its place, in which the public address is kept up to date
   * @throws {RangeError} where the router is of another kind, or has given the port away
   */
  join(host: PlaceInit & { readonly nat: NatPlan }, addresses: Place['addresses']): Connection {
    return this.#join({ host: host.name, plan: host.nat, addresses }, routerOf(host.name, host.nat))
  }

  /** A host goes to another home, where all is as it was but the public address. */
  move(host: string): Connection {
    const { name, router, member } = this.#find(host)
    router.members.splice(router.members.indexOf(member), 1)
    this.#moves += 1
    return this.#join(member, `${name}, ${this.#moves + 1}`)
  }

  /**
   * Has the router of a host forget all connections.
   *
   * @returns who is seen at another address now
   */
  rebind(host: string, address: 'kept' | 'new'): readonly string[] {
    const { nat, members } = this.#find(host).router
    if (address === 'kept') {
      nat.rebind()
      return []
    }
    nat.rebind(this.#freshAddress())
    for (const { addresses } of members) addresses[4] = nat.publicAddress
    return members.map((member) => member.host)
  }

  #join(joining: Omit<Member, 'privateAddress'>, name: string): Connection {
    const { plan } = joining
    const router = this.#routers.get(name) ?? this.#open(name, plan)
    const { nat, members } = router
    if (nat.kind !== plan.kind) {
      throw new RangeError(
        `host "${joining.host}" wants a ${plan.kind} NAT, and "${name}" is a ${nat.kind} one`,
      )
    }
    const privateAddress = `${HOME_NETWORK}.${HOST_FIRST + router.joined}`
    for (const { port, to } of plan.forwards ?? []) {
      const taker = members.find((member) => member.plan.forwards?.some((of) => of.port === port))
      if (taker !== undefined) {
        throw new RangeError(`port ${port} of "${name}" leads to "${taker.host}" already`)
      }
      nat.forward({ protocol: 'tcp', port, to: { address: privateAddress, port: to } })
    }
    members.push({ ...joining, privateAddress })
    router.joined += 1
    joining.addresses[4] = nat.publicAddress
    return { nat, privateAddress }
  }

  #open(name: string, { kind, mappingMs }: NatPlan): Router {
    const lifetimes =
      mappingMs === undefined ? {} : { udpMappingMs: mappingMs, tcpMappingMs: mappingMs }
    const publicAddress = this.#freshAddress()
    const nat = this.#network.nat({ name, kind, publicAddress, ...lifetimes })
    const router = { nat, members: [], joined: 0 }
    this.#routers.set(name, router)
    return router
  }

  #find(host: string): { readonly name: string; readonly router: Router; readonly member: Member } {
    for (const [name, router] of this.#routers) {
      const member = router.members.find((of) => of.host === host)
      if (member !== undefined) return { name, router, member }
    }
    throw new RangeError(`host "${host}" is behind no router`)
  }
}

function routerOf(host: string, { router }: NatPlan): string {
  return router ?? `router of ${host}`
}
