// A thousand clients in memory with one proof each, beside a thousand bare libp2p dials with one echo each: CPU of a
// whole process for each, taking turns, and what one client holds of memory.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { spawnSync } from 'node:child_process'
import { memoryDriver } from '../../scenarios/engine/drivers/memory.ts'
import type { Place } from '../../scenarios/engine/drivers/driver.ts'
import { ProofResponse } from '../wire/messages.ts'
import { CLIENT_FRAME_LENGTH_MAX, PROOF_PROTOCOL } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import { proofServer } from './index.ts'

const CLIENTS = 1_000
const ROUNDS = 3
const ECHO_PROTOCOL = '/echo/1.0.0'
/** About as long as an answer with a proof. */
const ECHO_BYTES = 150

type Kind = 'ours' | 'bare'

interface Cost {
  readonly cpuMs: number
  readonly bytesPerClient: number
}

const [, , kind] = process.argv
if (kind === 'ours' || kind === 'bare') {
  process.stdout.write(`${JSON.stringify(await run(kind))}\n`)
  process.exit()
}
const costs: Record<Kind, Cost[]> = { ours: [], bare: [] }
for (let round = 0; round < ROUNDS; round++) {
  for (const each of ['bare', 'ours'] as const) costs[each].push(inProcess(each))
}
const cpu = (each: Kind): number => median(costs[each].map(({ cpuMs }) => cpuMs))
report({
  name: `${CLIENTS} clients in memory, one proof each: CPU`,
  unit: 'ms',
  value: cpu('ours'),
  limit: cpu('bare'),
  atMost: 1.25,
})
report({
  name: `${CLIENTS} clients in memory: memory of each`,
  unit: 'KB',
  value: median(costs.ours.map(({ bytesPerClient }) => bytesPerClient)) / 1_000,
  limit: 400,
  atMost: 1,
})

/** Memory and compiled code of one run must not meet the next. */
function inProcess(each: Kind): Cost {
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', import.meta.filename, each],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  if (status !== 0) throw new Error(`${each}: ${stderr}`)
  return JSON.parse(stdout) as Cost
}

async function run(each: Kind): Promise<Cost> {
  const driver = memoryDriver()
  const server = await node(driver.place({ name: 'server', families: [4] }), {
    services:
      each === 'ours' ? { proof: proofServer({ rateLimit: { burst: 1e6, intervalMs: 0 } }) } : {},
    listen: true,
  })
  if (each === 'bare') {
    await server.handle(ECHO_PROTOCOL, async (stream) => {
      for await (const chunk of stream) stream.send(chunk)
      await stream.close()
    })
  }
  // One place for all: what is compared are the clients, and a world has but 254 addresses.
  const place = driver.place({ name: 'client', families: [4] })
  const [address] = server.getMultiaddrs()
  if (address === undefined) throw new Error('the server does not listen')
  const ask = each === 'ours' ? askForProof : askForEcho
  globalThis.gc?.()
  const memoryBefore = process.memoryUsage().rss
  const cpuBefore = process.cpuUsage()
  const clients: Libp2p[] = []
  for (let count = 0; count < CLIENTS; count++) {
    const client = await node(place, { services: {}, listen: false })
    await ask(client, address)
    clients.push(client)
  }
  const { user, system } = process.cpuUsage(cpuBefore)
  globalThis.gc?.()
  return {
    cpuMs: (user + system) / 1_000,
    bytesPerClient: (process.memoryUsage().rss - memoryBefore) / clients.length,
  }
}

async function node(
  place: Place,
  {
    services,
    listen,
  }: { readonly services: Record<string, never> | object; readonly listen: boolean },
): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: listen ? [...place.listen] : [] },
    transports: [place.transport as never],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: 10 * CLIENTS,
      inboundConnectionThreshold: 1e6,
      maxIncomingPendingConnections: 1e6,
    },
    services: services as never,
  })
}

async function askForProof(client: Libp2p, address: Parameters<Libp2p['dial']>[0]): Promise<void> {
  const signal = AbortSignal.timeout(10_000)
  const stream = await client.dialProtocol(address, PROOF_PROTOCOL, { signal })
  const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  const answer = await frames.read(signal)
  if (ProofResponse.decode(answer ?? new Uint8Array()).error !== 0) throw new Error('no proof')
  await stream.close({ signal })
}

async function askForEcho(client: Libp2p, address: Parameters<Libp2p['dial']>[0]): Promise<void> {
  const stream = await client.dialProtocol(address, ECHO_PROTOCOL, {
    signal: AbortSignal.timeout(10_000),
  })
  stream.send(new Uint8Array(ECHO_BYTES))
  await stream.close()
  let length = 0
  for await (const chunk of stream) length += chunk.byteLength
  if (length !== ECHO_BYTES) throw new Error(`${length} bytes came back, ${ECHO_BYTES} were sent`)
}

function report(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
