// Two ports for a CA, free now and still free after it was killed and starts again.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import type { Server } from 'node:net'

/**
 * Below every system's range for outgoing connections (Linux from 32768, others from 49152): while a
 * scenario keeps its CA down, no client's connection may be given the CA's port.
 */
const PORT_MIN = 20_000
const PORT_MAX = 32_767
const ATTEMPTS_MAX = 100
const LOOPBACK = '127.0.0.1'

/** @param host where they are wanted: a port that is taken there may be free elsewhere */
export async function freePorts(host = LOOPBACK): Promise<readonly [number, number]> {
  const taken: { readonly server: Server; readonly port: number }[] = []
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const port = randomInt(PORT_MIN, PORT_MAX + 1)
      const server = await listen(port, host)
      if (server !== undefined) taken.push({ server, port })
      const [first, second] = taken
      if (first !== undefined && second !== undefined) return [first.port, second.port]
    }
    throw new Error(`no two free ports from ${PORT_MIN} to ${PORT_MAX} on ${host}`)
  } finally {
    await Promise.all(taken.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  }
}

async function listen(port: number, host: string): Promise<Server | undefined> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host, exclusive: true }, () => resolve(server))
  })
}
