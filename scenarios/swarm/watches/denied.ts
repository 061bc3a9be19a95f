import type { Watch } from './watch.ts'

/** What ends a request, or the order that is made for it. */
const ENDS = new Set(['certificate:issued', 'order:failed', 'request:refused'])

/** Who is on the deny list gets nothing: no order is taken up or made for it, and no certificate comes from the store. */
export const deniedGetNothing: Watch = {
  name: 'nobody gets anything from who denies them',
  open(world) {
    /** By issue server, the peers that its operator has put on the list. */
    const listed = new Map<string, Set<string>>()
    /** The same, as the server has read it, but for those that it had begun to serve. */
    const denied = new Map<string, ReadonlySet<string>>()
    const begun = new Set<string>()
    return ({ host, event, detail }) => {
      const list = listed.get(host) ?? new Set()
      listed.set(host, list)
      if (event === 'fault:deny') list.add(world.host(String(detail['peer'])).peerId)
      if (event === 'fault:healed' && detail['kind'] === 'deny') {
        // Which of them is off again is not told: from now on it can be any.
        list.clear()
        denied.delete(host)
      }
      if (event === 'denylist:loaded' && Number(detail['entries']) >= list.size) {
        denied.set(host, new Set([...list].filter((peer) => !begun.has(`${host} ${peer}`))))
      }
      if (event === 'host:stopped' || event === 'fault:crash') {
        denied.delete(host)
        for (const key of begun) if (key.startsWith(`${host} `)) begun.delete(key)
      }
      const peer = String(detail['peer'])
      const gets = event === 'order:resumed' || event === 'certificate:issued'
      const isDenied = denied.get(host)?.has(peer) === true
      if (event === 'request:received' && !isDenied) begun.add(`${host} ${peer}`)
      if (ENDS.has(event)) begun.delete(`${host} ${peer}`)
      if (!gets || !isDenied) return undefined
      const problem = `${host}: ${event} for ${world.hostOfPeer(peer)}, which it denies`
      return { problem, hosts: [host] }
    }
  },
}
