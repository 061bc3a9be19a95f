import type { Watch } from './watch.ts'

interface Made {
  readonly host: string
  readonly peer: string
  /** At the CA. */
  readonly path: string
}

/** Problems after which an order, or the account that it is of, is no more. */
const GONE_STATUS = new Set([401, 403, 404])
const CREATED_STATUS = 201

/** An order that can go on is gone on with, whatever happens meanwhile (NT-ISSUE-031). */
export const ordersAreMadeOnce: Watch = {
  name: 'no order is made where there is one',
  open(world) {
    const open = new Map<string, Made>()
    /** Clients whose request was heard before they lost their disk: the order for it is for a key that is no more. */
    const forLostKeys = new Set<string>()
    const drop = (is: (made: Made) => boolean): void => {
      for (const [key, made] of open) if (is(made)) open.delete(key)
    }
    return ({ host, event, detail }) => {
      const peer = String(detail['peer'])
      const key = `${host} ${peer} ${[...((detail['names'] as string[] | undefined) ?? [])].toSorted().join(' ')}`
      switch (event) {
        case 'request:received':
          forLostKeys.delete(`${host} ${peer}`)
          break
        case 'certificate:issued':
          open.delete(key)
          break
        // An order is for one key, and who has a certificate, from whichever server, asks for the next with another.
        case 'certificate:obtained':
        case 'certificate:renewed': {
          const who = world.host(host).peerId
          drop((made) => made.peer === who)
          break
        }
        case 'fault:kill':
          open.clear()
          break
        // Without its disk a server knows no orders, and a client has another key.
        case 'fault:disk':
        case 'fault:crash': {
          // The last ones may not be on it any more; a client's datastore loses none of its writes.
          if (detail['disk'] === 'torn') drop((made) => made.host === host)
          if (event === 'fault:crash' && detail['disk'] !== 'lost') break
          const who = world.host(host).peerId
          drop((made) => made.host === host || made.peer === who)
          for (const { name } of world.hostsOf('issue')) forLostKeys.add(`${name} ${who}`)
          break
        }
        case 'ca:request': {
          const status = Number(detail['status'])
          const { via, path, resource } = detail
          // What a CA said before it forgot everything may be heard after it: such an order is of the account before.
          const isNewAccount = resource === 'account' && status === CREATED_STATUS
          const gone = detail['state'] === 'invalid' || GONE_STATUS.has(status) || isNewAccount
          if (!gone) break
          drop((made) => made.host === via && (made.path === path || resource !== 'order'))
          break
        }
        case 'order:created': {
          if (forLostKeys.has(`${host} ${peer}`)) break
          const path = new URL(String(detail['order'])).pathname
          const before = open.get(key)
          open.set(key, { host, peer, path })
          if (before === undefined || before.path === path) break
          const problem = `${host} makes a second order for ${world.hostOfPeer(peer)}, where it has one`
          return { problem, hosts: [host] }
        }
      }
      return undefined
    }
  },
}
