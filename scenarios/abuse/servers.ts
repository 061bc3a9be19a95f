import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ZONE } from './dns-packets.ts'
import { startWatched, type Watched } from './watched.ts'

/** Where the servers are. */
export interface ServerPlaces {
  /** Multiaddrs. */
  readonly proof: string
  readonly issue: string
  readonly dns: string
  readonly queries: { readonly address: string; readonly port: number }
  readonly metricsUrl: string
  readonly processId: number
}

export interface AbusedServers {
  readonly watched: Watched
  readonly places: ServerPlaces
  /** The libp2p connections and streams that the servers count themselves, by kind. */
  connections(): Promise<Readonly<Record<string, number>>>
}

interface Addresses {
  readonly libp2p: Readonly<Record<'proof' | 'issue' | 'dns', readonly string[]>>
  readonly queries: readonly ServerPlaces['queries'][]
  readonly http: ServerPlaces['queries']
}

const COMMAND_LINE = fileURLToPath(new URL('../../impl/cli.ts', import.meta.url))

/**
 * Starts `nodetrust serve all`, as an operator would, in a process of its own. Only the limits of requests of one
 * address are lifted: all attackers come from this machine, and refusals would spare the servers their work.
 */
export async function startAbusedServers(
  folder: string,
  init: { readonly writer: string },
): Promise<AbusedServers> {
  await promisify(execFile)(process.execPath, [
    COMMAND_LINE,
    'config',
    'init',
    '--zone',
    ZONE,
    '--agree-to-terms',
    '--out',
    folder,
  ])
  const file = join(folder, 'abused.yaml')
  await writeFile(file, configuration(init.writer))
  const watched = await startWatched('the servers', '../../impl/cli.ts', [
    'serve',
    'all',
    '--config',
    file,
    '--json',
    '--log',
    'json',
    '--log-level',
    'error',
  ])
  const { libp2p, queries, http } = JSON.parse(watched.ready) as Addresses
  const places = {
    proof: libp2p.proof[0] ?? '',
    issue: libp2p.issue[0] ?? '',
    dns: libp2p.dns[0] ?? '',
    queries: queries[0] ?? { address: '127.0.0.1', port: 0 },
    metricsUrl: `http://${http.address}:${http.port}/metrics`,
    processId: watched.processId,
  }
  return {
    watched,
    places,
    async connections() {
      const response = await fetch(places.metricsUrl, { headers: { connection: 'close' } })
      const text = await response.text()
      const gauge =
        /^libp2p_(?:connection_manager_connections|.*_streams_total)\{role="(\w+)",\w+="(.*)"\} (\d+)$/gm
      return Object.fromEntries(
        Array.from(text.matchAll(gauge), ([, role, kind, count]) => [
          `${role}: ${kind}`,
          Number(count),
        ]),
      )
    },
  }
}

function configuration(writer: string): string {
  const role = (name: string): string =>
    `${name}:\n  identityFile: ${name}.key\n  listen: [/ip4/127.0.0.1/tcp/0]\n`
  const rateLimit = '  rateLimit: { burst: 1000000, intervalMs: 1 }\n'
  return `zone: ${ZONE}
${role('proof')}${rateLimit}  display: proof-1
${role('dns')}  dnsListen: [{ address: 127.0.0.1, port: 0 }]
  nameServers: [{ name: ns1.${ZONE}, addresses: [127.0.0.1] }]
  writers: [{ local: true }, ${writer}]
${role('issue')}${rateLimit}  proofServers: [{ local: true }]
  dnsServers: [{ local: true }]
  # Port 9 is discard's: no CA is asked for anything.
  acme: { directoryUrl: 'https://127.0.0.1:9/directory', termsOfServiceAgreed: true }
  storePath: issue.sqlite
  allowPrivateAddresses: true
http: { address: 127.0.0.1, port: 0 }
`
}
