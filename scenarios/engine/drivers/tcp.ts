import { tcp } from '@libp2p/tcp'
import { randomInt } from 'node:crypto'
import {
  familiesOfAddresses,
  ONE_PROCESS,
  refuseRouters,
  type Driver,
  type Family,
  type Place,
  type TransportComponents,
} from './driver.ts'
import { silentServer } from './silent-server.ts'

/** 127.a.b.1 … 127.a.b.254. */
const HOSTS_MAX = 254

/**
 * Real sockets on loopback. Every IPv4 host has an address of its own in 127.0.0.0/8, in a network drawn at
 * random, so that two runs at once do not meet; loopback has only one IPv6 address, `::1`, which all share.
 */
export function tcpDriver(): Driver {
  const network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`
  let hosts = 0
  const addressesFor = (families: readonly Family[]): Partial<Record<Family, string>> => {
    hosts += 1
    if (hosts > HOSTS_MAX) throw new RangeError(`a world on tcp has at most ${HOSTS_MAX} hosts`)
    return {
      ...(families.includes(4) ? { 4: `${network}.${hosts}` } : {}),
      ...(families.includes(6) ? { 6: '::1' } : {}),
    }
  }
  return {
    ...ONE_PROCESS,
    name: 'tcp',
    place(host): Place {
      refuseRouters(host)
      const addresses = addressesFor(host.families)
      return {
        addresses,
        socketAddresses: addresses,
        get listen() {
          return Object.entries(addresses).map(
            ([family, address]) => `/ip${family}/${address}/tcp/0`,
          )
        },
        transport: tcpFrom(addresses),
      }
    },
    move({ addresses }) {
      Object.assign(addresses, addressesFor(familiesOfAddresses(addresses)))
    },
    socketAddress: (address) => address,
    blackHole: async (multiaddrs) => {
      const holes = await Promise.all(multiaddrs.map(silentServer))
      return { close: async () => void (await Promise.all(holes.map((hole) => hole.close()))) }
    },
    close: async () => {},
  }
}

/** TCP that dials from the host's own address, which is what a proof server must see. */
function tcpFrom(addresses: Place['addresses']): Place['transport'] {
  return (components: TransportComponents) => {
    const transport = tcp()(components as never)
    const dial = transport.dial.bind(transport)
    transport.dial = async (to, options) => {
      const family = to.getComponents()[0]?.name === 'ip6' ? 6 : 4
      const localAddress = addresses[family]
      if (localAddress === undefined) {
        throw new Error(`this host has no IPv${family} address to dial ${to.toString()} from`)
      }
      // @libp2p/tcp hands its dial options on to net.connect.
      return dial(to, Object.assign(options, { localAddress }))
    }
    return transport
  }
}
