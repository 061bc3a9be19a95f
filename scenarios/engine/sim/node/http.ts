// `node:http`: servers know their connections in an order that is the seed's, too.
import http from 'node:http'
import https from 'node:https'
import type { Patches } from './patches.ts'

/** The parser of a connection; its number grows with the time of its beginning. */
interface Parser {
  getAsyncId(): number
}

/** Node's list of a server's connections. */
type Connections = Readonly<Record<'all' | 'idle', () => readonly Parser[]>>

export function patchHttp(patches: Patches): void {
  const sorted = new WeakSet<object>()
  /** Node sorts by addresses in memory and by real time. */
  const sort = (server: object): void => {
    const symbol = Object.getOwnPropertySymbols(server).find(
      ({ description }) => description === 'http.server.connections',
    )
    const list = symbol && (server as Record<symbol, Connections | undefined>)[symbol]
    // One that has never listened has none.
    if (list === undefined || sorted.has(list)) return
    sorted.add(list)
    for (const name of ['all', 'idle'] as const) {
      const unsorted = list[name].bind(list)
      const value = () => unsorted().toSorted((a, b) => a.getAsyncId() - b.getAsyncId())
      Object.defineProperty(list, name, { value })
    }
  }
  // Each has methods of its own.
  for (const { prototype } of [http.Server, https.Server]) {
    for (const name of ['closeAllConnections', 'closeIdleConnections'] as const) {
      patches.method(prototype, name, (original) => {
        return function close(this: object) {
          sort(this)
          return original.call(this)
        }
      })
    }
  }
}
