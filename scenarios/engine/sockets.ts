import { tlsAnswer, type TlsAnswer } from './invariants.ts'
import type { World } from './world.ts'

// What stands on a client's socket, for stories that believe no event.

/** A socket and the name that its certificate must be for. */
export interface Socket {
  readonly host: string
  readonly port: number
  readonly servername: string
}

/** Where a client's announced address leads. */
export function socketOf(world: World, client: string): Socket {
  const announced = world.announcements.find(({ host }) => host === client)
  const address = world.host(client).place.addresses[4] ?? ''
  const host = world.driver.socketAddress(address)
  return { host, port: announced?.port ?? 0, servername: announced?.name ?? '' }
}

/** Looks at a client's socket over a new connection, and puts what it sees into the trace. */
export async function lookAt(world: World, client: string, socket: Socket): Promise<void> {
  const roots = await world.rootCertificates()
  const { serial, problem } = await tlsAnswer({ ...socket, roots })
  world.trace.record(client, 'socket:looked-at', { serial, problem })
}

/** What stood on a client's socket each time that it was looked at. */
export function seenAt(world: World, client: string): Partial<TlsAnswer>[] {
  return world.trace
    .of('socket:looked-at')
    .filter(({ host }) => host === client)
    .map(({ detail }) => detail)
}
