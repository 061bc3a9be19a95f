import { multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { BlackHole } from './driver.ts'

/** Listens at a multiaddr of TCP, and says nothing. */
export async function silentServer(address: string): Promise<BlackHole> {
  const [host, port] = multiaddr(address).getComponents()
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  server.listen(Number(port?.value), host?.value)
  await once(server, 'listening')
  return {
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
