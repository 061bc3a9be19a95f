// For tests only: a zone in which the issue server is a process of its own, as operators run it.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { nodetrust, type Certificate, type NodetrustClient } from '../client/index.ts'
import { loadConfig } from '../config/index.ts'
import { writeLoopbackConfig } from '../config/testing.ts'
import { createLog } from '../log.ts'
import { startServers } from '../node.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

const CLI = join(import.meta.dirname, '..', 'cli.ts')
const CLOCK = join(import.meta.dirname, 'testing-clock.ts')

/** `nodetrust serve issue` as a process. */
export class IssueProcess {
  readonly child: ChildProcess
  /** What it has logged so far. */
  readonly lines: LogLine[] = []
  readonly #listeners = new Set<(line: LogLine) => void>()
  readonly #ended: Promise<number | null>

  constructor(t: Test, config: string) {
    const words = ['--import', CLOCK, CLI, 'serve', 'issue', '--config', config]
    this.child = spawn(process.execPath, [...words, '--log', 'json', '--log-level', 'debug'], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    t.teardown(() => this.child.kill('SIGKILL'))
    this.#ended = once(this.child, 'close').then(([code]) => code as number | null)
    if (this.child.stderr === null) throw new Error('the log of the process is not piped')
    createInterface({ input: this.child.stderr }).on('line', (text) => {
      const line = parseLine(text)
      this.lines.push(line)
      for (const listener of this.#listeners) listener(line)
    })
  }

  /** Calls back at the first line from now on with this event, in the same turn in which it is read. */
  at(event: string, act: (line: LogLine) => void): void {
    const listener = (line: LogLine): void => {
      if (line.event !== event) return
      this.#listeners.delete(listener)
      act(line)
    }
    this.#listeners.add(listener)
  }

  /** Waits until it has logged this event; rejects when it ends before. */
  async logged(event: string): Promise<void> {
    if (!this.lines.some((line) => line.event === event)) await this.next(event)
  }

  /** The first line from now on with this event; rejects when the process ends before. */
  async next(event: string): Promise<LogLine> {
    const { promise, resolve } = Promise.withResolvers<LogLine>()
    this.at(event, resolve)
    const ended = this.#ended.then((code) => {
      const last = this.lines.slice(-5).map((line) => JSON.stringify(line))
      throw new Error(`ended with ${code} before "${event}": ${last.join('\n')}`)
    })
    return Promise.race([promise, ended])
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal)
  }

  /** Its exit code; null where a signal has ended it. */
  get ended(): Promise<number | null> {
    return this.#ended
  }

  /** Sets its time of day so far from ours. */
  async setClock(shiftMs: number): Promise<void> {
    const heard = once(this.child, 'message')
    this.child.send({ shiftMs })
    await heard
  }
}

/** A zone whose proof and DNS server run in this process, and whose issue server is another one. */
export interface Zone {
  readonly storePath: string
  /** Where the CA can ask the zone's DNS server. */
  readonly queries: readonly { readonly address: string; readonly port: number }[]
  /** Starts the issue server, on the store that the one before has left, and waits until it serves. */
  start(): Promise<IssueProcess>
  /** A certificate for a new key; one that failed before is asked for again. */
  obtain(): Promise<Certificate>
}

export async function openZone(
  t: Test,
  init: {
    readonly folder: string
    readonly directoryUrl: string
    /** PEM. */
    readonly certificateAuthority: string
    /** Where the issue server listens: each start must be found where the one before was. */
    readonly port: number
  },
): Promise<Zone> {
  const { folder, directoryUrl, port } = init
  writeFileSync(join(folder, 'ca.pem'), init.certificateAuthority)
  const file = await writeLoopbackConfig(folder, (text) =>
    text
      .replace(/(\nissue:[^]*?tcp\/)0/, `$1${port}`)
      .replace(/directoryUrl: .*/, `directoryUrl: ${directoryUrl}`)
      .replace(/# certificateAuthorityFile: ca\.pem.*/, 'certificateAuthorityFile: ca.pem')
      .replace(/burst: 20/g, 'burst: 1000')
      // Pebble has a name of its own, and would be refused by the sample's CAA record.
      .replace(/ {2}caa:\n.*\n.*\n/, ''),
  )
  const { config } = await loadConfig(file)
  const log = createLog({ format: 'json', level: 'error' })
  const servers = await startServers(config, { roles: ['proof', 'dns'], log })
  t.teardown(() => servers.stop())
  writeFileSync(file, withServersElsewhere(readFileSync(file, 'utf8'), servers, config))

  const issueServer = `/ip4/127.0.0.1/tcp/${port}/p2p/${config.issue?.identityFile.publicKey.toString()}`
  const client = await createLibp2p<{ identify: object; nodetrust: NodetrustClient }>({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      nodetrust: nodetrust({
        issueServers: [multiaddr(issueServer)],
        autoStart: false,
        announce: false,
        allowPrivateAddresses: true,
      }) as never,
    },
  })
  t.teardown(() => client.stop())
  return {
    storePath: join(folder, 'issue.sqlite'),
    queries: servers.addresses.dns,
    async start() {
      const server = new IssueProcess(t, file)
      await server.logged('started')
      return server
    },
    obtain: () => client.services.nodetrust.obtain({ signal: AbortSignal.timeout(30_000) }),
  }
}

/** The configuration for a process in which the others do not run. */
function withServersElsewhere(
  text: string,
  { addresses, nodes }: Awaited<ReturnType<typeof startServers>>,
  { proof }: Awaited<ReturnType<typeof loadConfig>>['config'],
): string {
  const proofKey = (proof?.proofKeyFile ?? proof?.identityFile)?.publicKey
  if (proofKey === undefined) throw new Error('the configuration has no proof server')
  const key = Buffer.from(publicKeyToProtobuf(proofKey)).toString('base64')
  const [dns] = addresses.dns
  return text
    .replace(
      /proofServers:\n.*\n/,
      `proofServers:\n    - { id: ${nodes.proof?.peerId.toString()}, ` +
        `addresses: ['${addresses.libp2p.proof?.join("', '")}'], display: proof-1 }\n` +
        `  proofKeys: ['${key}']\n`,
    )
    .replace(
      /dnsServers:\n.*\n/,
      `dnsServers:\n    - { addresses: ['${addresses.libp2p.dns?.join("', '")}'], ` +
        `query: { address: ${dns?.address}, port: ${dns?.port} } }\n`,
    )
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { text }
  }
}
