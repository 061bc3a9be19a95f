import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

const TRIES_MAX = 20

/** A port of 127.0.0.1 that is free for UDP and TCP. Somebody can still take it before it is used. */
export async function freeDnsPort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const server = createServer()
    const socket = createSocket('udp4')
    try {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      socket.bind(port, '127.0.0.1')
      await once(socket, 'listening')
      return port
    } catch {
      // Its UDP half is taken: another one.
    } finally {
      server.close()
      socket.close()
    }
  }
  throw new Error(`no port is free for both UDP and TCP, after ${TRIES_MAX} tries`)
}
