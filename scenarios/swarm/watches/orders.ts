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
    /** Requests of a client that a server has heard, and not made an order for. */
    const asked = new Map<string, number>()
    /** Those whose client has another key by now: orders for them may yet come. */
    const forOldKeys = new Map<string, number>()
    const drop = (is: (made: Made) => boolean): void => {
      for (const [key, made] of open) if (is(made)) open.delete(key)
    }
    const keyChanges = (client: string): void => {
      const who = world.host(client).peerId
      drop((made) => made.peer === who)
      for (const { name } of world.hostsOf('issue')) {
        const pair = `${name} ${who}`
        add(forOldKeys, pair, asked.get(pair) ?? 0)
        asked.delete(pair)
      }
    }
    return ({ host, event, detail }) => {
      const peer = String(detail['peer'])
      const pair = `${host} ${peer}`
      const key = `${pair} ${[...((detail['names'] as string[] | undefined) ?? [])].toSorted().join(' ')}`
      switch (event) {
        case 'request:received':
          add(asked, pair, 1)
          break
        case 'request:refused':
          add(asked, pair, -1)
          break
        case 'certificate:issued':
          open.delete(key)
          break
        // An order is for one key, and who has a certificate, from whichever server, asks for the next with another.
        case 'certificate:obtained':
        case 'certificate:renewed':
          keyChanges(host)
          break
        case 'fault:kill':
          open.clear()
          break
        // Without its disk a server knows no orders, and a client has another key.
        case 'fault:disk':
        case 'fault:crash': {
          // The last ones may not be on it any more; a client's datastore loses none of its writes.
          if (detail['disk'] === 'torn') drop((made) => made.host === host)
          if (event === 'fault:crash' && detail['disk'] !== 'lost') break
          drop((made) => made.host === host)
          keyChanges(host)
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
          add(asked, pair, -1)
          const path = new URL(String(detail['order'])).pathname
          const before = open.get(key)
          open.set(key, { host, peer, path })
          if (before === undefined || before.path === path) break
          // Which of the two is for which key, nobody tells.
          const spare = forOldKeys.get(pair) ?? 0
          add(forOldKeys, pair, -1)
          if (spare > 0) break
          const problem = `${host} makes a second order for ${world.hostOfPeer(peer)}, where it has one`
          return { problem, hosts: [host] }
        }
      }
      return undefined
    }
  },
}

function add(counts: Map<string, number>, key: string, change: number): void {
  counts.set(key, Math.max(0, (counts.get(key) ?? 0) + change))
}
