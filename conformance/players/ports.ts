// The ports that a target file gives to what the suite plays: two runs cannot have them at once.
import { multiaddr } from '@multiformats/multiaddr'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6 } from 'node:net'
import { errorCode } from '../suite/files.ts'
import { commandOf, listenerAt, type Place } from '../suite/processes.ts'
import { readable } from '../suite/readable.ts'
import type { Players } from '../suite/target.ts'
import { UsageError } from '../suite/usage-error.ts'

interface PlayedPort extends Place {
  /** Where the target file says so. */
  readonly key: string
}

/**
 * Opens and closes each port that is played at, so that a run ends before its checks where one cannot be had.
 * @throws {UsageError} with every port, why, and what to do
 */
export async function tryPorts(players: Players): Promise<void> {
  const problems: string[] = []
  for (const one of playedPorts(players)) {
    const code = await whyNot(one)
    if (code !== undefined) problems.push(problemText(one, code))
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'))
}

function playedPorts({ dns, acme }: Players): readonly PlayedPort[] {
  const streams = (dns?.listen ?? []).flatMap((address): readonly PlayedPort[] => {
    const [host, transport] = multiaddr(address).getComponents()
    if (transport?.name !== 'tcp' || host?.value === undefined) return []
    const port = Number(transport.value)
    return [{ protocol: 'tcp', address: host.value, port, key: 'players.dns.listen' }]
  })
  const queries = (['udp', 'tcp'] as const).flatMap((protocol) =>
    dns === undefined ? [] : [{ protocol, ...dns.dns, key: 'players.dns.dns' }],
  )
  const directory =
    acme === undefined
      ? []
      : [{ protocol: 'tcp', ...acme.listen, key: 'players.acme.listen' } as const]
  return [...streams, ...queries, ...directory]
}

/** The code of the error; undefined where the port can be had. */
async function whyNot({ protocol, address, port }: PlayedPort): Promise<string | undefined> {
  const opened =
    protocol === 'tcp' ? createServer() : createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    const listening = once(opened, 'listening')
    if ('listen' in opened) opened.listen({ host: address, port })
    else opened.bind({ port, address, exclusive: true })
    await listening
    const closed = once(opened, 'close')
    opened.close()
    await closed
    return undefined
  } catch (error) {
    opened.close()
    return errorCode(error)
  }
}

const COMMAND_LENGTH_MAX = 160

function problemText({ protocol, address, port, key }: PlayedPort, code: string): string {
  const where = `port ${port} (${protocol}) at ${address}, where the suite has to play (${key} in the target file),`
  switch (code) {
    case 'EADDRINUSE': {
      const pid = listenerAt({ protocol, address, port })
      const who =
        pid === undefined
          ? `another process (as root, ss -lnp "sport = :${port}" names it)`
          : `process ${pid} (${readable(commandOf(pid)).slice(0, COMMAND_LENGTH_MAX)})`
      return `${where} is taken by ${who}: wait until it ends, or make a target with other ports`
    }
    case 'EACCES':
      return `${where} is only for privileged processes: run as root, or make a target with other ports`
    case 'EADDRNOTAVAIL':
      return `${where} cannot be had, as this machine has no such address: run on the machine that has it, or make another target`
    default:
      return `${where} cannot be had (${code})`
  }
}
