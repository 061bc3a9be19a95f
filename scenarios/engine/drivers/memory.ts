import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { TCP } from '@multiformats/multiaddr-matcher'
import { randomBytes, randomInt } from 'node:crypto'
import { tcpDriver } from './tcp.ts'
import {
  familiesOfAddresses,
  ONE_PROCESS,
  refuseRouters,
  type Driver,
  type Family,
  type Place,
  type TransportComponents,
} from './driver.ts'

/** The documentation networks of RFC 5737 and RFC 3849: addresses that look real and belong to nobody. */
const NETWORKS = { 4: '203.0.113', 6: '2001:db8::' }
const HOSTS_MAX = 254
const LISTEN_PORT = 4001
const EPHEMERAL_PORT_FIRST = 49_152
const EPHEMERAL_PORT_LAST = 65_535

/**
 * One process, no sockets between libp2p nodes: @libp2p/memory beneath addresses of /ip4 and /ip6, so that there is
 * something to prove. Sockets of other kinds (DNS, the secure WebSockets listener, the CA) cannot be in memory:
 * they stand on loopback, where {@link Driver.socketAddress} finds them.
 */
export function memoryDriver(): Driver {
  // @libp2p/memory has one registry for the whole process: two worlds at once must not share names in it.
  const world = randomBytes(8).toString('hex')
  const loopback = tcpDriver()
  const standIns = new Map<string, string>()
  const hung = new Set<string>()
  const addressOfPeer = new Map<string, Place['addresses']>()
  let hosts = 0

  const addressesFor = (
    families: readonly Family[],
    socketAddresses: Place['socketAddresses'],
  ): Partial<Record<Family, string>> => {
    hosts += 1
    if (hosts > HOSTS_MAX) throw new RangeError(`a world in memory has at most ${HOSTS_MAX} hosts`)
    const addresses = {
      ...(families.includes(4) ? { 4: `${NETWORKS[4]}.${hosts}` } : {}),
      ...(families.includes(6) ? { 6: `${NETWORKS[6]}${hosts.toString(16)}` } : {}),
    }
    for (const family of families) {
      standIns.set(addresses[family] ?? '', socketAddresses[family] ?? '')
    }
    return addresses
  }

  return {
    ...ONE_PROCESS,
    name: 'memory',
    place(host): Place {
      refuseRouters(host)
      const { socketAddresses } = loopback.place(host)
      const addresses = addressesFor(host.families, socketAddresses)
      return {
        addresses,
        socketAddresses,
        get listen() {
          return host.families.map(
            (family) => `/ip${family}/${addresses[family]}/tcp/${LISTEN_PORT}`,
          )
        },
        transport: (components) => ipMemory(components, addresses),
      }
    },
    move(place) {
      loopback.move({ ...place, addresses: place.socketAddresses })
      const families = familiesOfAddresses(place.addresses)
      Object.assign(place.addresses, addressesFor(families, place.socketAddresses))
    },
    socketAddress: (address) => standIns.get(address) ?? address,
    async blackHole(multiaddrs) {
      const taken = multiaddrs.map((address) => registryName(multiaddr(address)))
      for (const name of taken) hung.add(name)
      return {
        async close() {
          for (const name of taken) hung.delete(name)
        },
      }
    },
    close: () => loopback.close(),
  }

  function ipMemory(components: TransportComponents, own: Place['addresses']): Transport {
    const transport: Transport = memory()(components as never)
    addressOfPeer.set(String(components.peerId), own)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    const matching = (multiaddrs: Multiaddr[]): Multiaddr[] =>
      multiaddrs.filter((address) => TCP.exactMatch(address))
    return Object.assign(transport, {
      listenFilter: matching,
      dialFilter: matching,
      async dial(to: Multiaddr, options: Parameters<Transport['dial']>[1]) {
        if (own[familyOf(to)] === undefined) {
          throw new Error(
            `this host has no IPv${familyOf(to)} address to dial ${to.toString()} from`,
          )
        }
        const name = registryName(to)
        if (hung.has(name)) await aborted(options.signal)
        return dial(multiaddr(`/memory/${name}`), {
          ...options,
          upgrader: showing(options.upgrader, () => to),
        })
      },
      createListener(options: Parameters<Transport['createListener']>[0]): Listener {
        let listening: Multiaddr | undefined
        const listener = createListener({
          ...options,
          upgrader: showing(options.upgrader, ({ remoteAddr }) =>
            dialler(remoteAddr, listening === undefined ? 4 : familyOf(listening)),
          ),
        })
        const listen = listener.listen.bind(listener)
        return Object.assign(listener, {
          listen(at: Multiaddr) {
            listening = at
            return listen(multiaddr(`/memory/${registryName(at)}`))
          },
          getAddrs: () => (listening === undefined ? [] : [listening]),
        })
      },
    })
  }

  /** `/ip4/203.0.113.7/tcp/4001` as a name of the registry; what follows the port does not matter. */
  function registryName(address: Multiaddr): string {
    const [ip, port] = address.getComponents()
    return `${world}-${ip?.value?.replaceAll(':', '_')}-${port?.value}`
  }

  /** The address at which a listener sees a dialler: @libp2p/memory tells only its peer id. */
  function dialler(remote: Multiaddr, family: Family): Multiaddr {
    const id = remote.getComponents().find(({ name }) => name === 'p2p')?.value ?? ''
    const port = randomInt(EPHEMERAL_PORT_FIRST, EPHEMERAL_PORT_LAST + 1)
    return multiaddr(`/ip${family}/${addressOfPeer.get(id)?.[family]}/tcp/${port}`)
  }
}

function familyOf(address: Multiaddr): Family {
  return address.getComponents()[0]?.name === 'ip6' ? 6 : 4
}

/** An upgrader that shows libp2p another remote address than the memory transport's own. */
function showing(
  upgrader: Upgrader,
  remoteAddress: (connection: MultiaddrConnection) => Multiaddr,
): Upgrader {
  return new Proxy(upgrader, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      if (key !== 'upgradeInbound' && key !== 'upgradeOutbound') return value.bind(target)
      return (connection: MultiaddrConnection, options: unknown) => {
        connection.remoteAddr = remoteAddress(connection)
        return value.call(target, connection, options)
      }
    },
  })
}

async function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}
