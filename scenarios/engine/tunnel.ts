import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'

/** A way through TLS for what speaks none itself. */
export interface Tunnel extends AsyncDisposable {
  readonly address: string
  readonly port: number
  /** Of the certificate that the TLS server has shown; lower case hex. Undefined before the first connection. */
  serial(): string | undefined
}

const LOOPBACK = '127.0.0.1'

/**
 * Takes a plain connection and carries it to a TLS server, whose certificate it checks as a browser does. Node's own
 * WebSocket, which libp2p dials with, trusts the system's roots only, and the roots of a test CA are none of them.
 */
export async function openTunnel(target: {
  readonly host: string
  readonly port: number
  readonly servername: string
  readonly roots: string
}): Promise<Tunnel> {
  const { host, port, servername, roots } = target
  const sockets = new Set<Socket>()
  let outer: TLSSocket | undefined
  const server = createServer((inner) => {
    const tls = connect({ host, port, servername, ca: roots })
    outer = tls
    for (const [from, to] of [
      [inner, tls],
      [tls, inner],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  return {
    address: LOOPBACK,
    port: (server.address() as AddressInfo).port,
    serial: () => outer?.getPeerX509Certificate()?.serialNumber.toLowerCase(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
