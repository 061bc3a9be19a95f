// What a client waits for its certificate, and how many clients can be served at once, beside a minimal ACME client
// driven by hand against the same Pebble: 12 requests an order and nothing else. Its challenges need no protocol, its
// names no proof. For comparison: the same minimal client with the bare streams of one issuance before and within.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caOptionsFromEnvironment } from '../engine/ca/index.ts'
import { memoryDriver } from '../engine/drivers/memory.ts'
import { hosts, type HostPlan } from '../engine/scenario.ts'
import { Trace } from '../engine/trace.ts'
import { World } from '../engine/world.ts'
import { openBareStreams } from './bare-streams.ts'
import { openBenchCa, randomNames } from './ca.ts'
import { measure, report, type Figures } from './figures.ts'
import { MinimalAcme } from './minimal-acme.ts'

const PARALLEL = 32
const SERIAL_NAME = 'one issuance, 3 names'
const PARALLEL_NAME = `${PARALLEL} clients in parallel`

const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-bench-'))
const caOptions = caOptionsFromEnvironment(process.env)
try {
  const { limit, withStreams } = await minimal()
  const ours = await nodetrust()
  const serial = { unit: 'ms', limit: limit.serialMs }
  const parallel = { unit: 'certificates/s', limit: limit.parallelPerSecond }
  report({ ...serial, name: `${SERIAL_NAME}, obtain() p50`, value: ours.serialMs, atMost: 1.5 })
  report({
    ...serial,
    name: `${SERIAL_NAME}: bare streams and no more`,
    value: withStreams.serialMs,
  })
  report({
    ...parallel,
    name: `${PARALLEL_NAME}, client CSR`,
    value: ours.parallelPerSecond,
    atLeast: 0.8,
  })
  report({
    ...parallel,
    name: `${PARALLEL_NAME}: bare streams and no more`,
    value: withStreams.parallelPerSecond,
  })
} finally {
  await rm(workDirectory, { recursive: true, force: true })
}
process.exit()

async function minimal(): Promise<{ readonly limit: Figures; readonly withStreams: Figures }> {
  await using bench = await openBenchCa({ ...caOptions, workDirectory })
  const acme = new MinimalAcme(bench.ca)
  await acme.open()
  const limit = await measure(() => acme.order(randomNames(), bench.answerWith), PARALLEL)
  await using streams = await openBareStreams(bench.answerWith)
  const withStreams = await measure(
    () => streams.issuance((publish) => acme.order(randomNames(), publish)),
    PARALLEL,
  )
  acme.close()
  return { limit, withStreams }
}

async function nodetrust(): Promise<Figures> {
  const both = (host: HostPlan): HostPlan =>
    host.role === 'client'
      ? // Announcements of a whole zone in one process are not what is measured.
        { ...host, families: [4, 6], options: { announce: false } }
      : { ...host, families: [4, 6] }
  const plan: HostPlan[] = [
    // One for each address, so that connections stay open from one order to the next.
    { name: 'proof1', role: 'proof', families: [4] },
    { name: 'proof2', role: 'proof', families: [6] },
    ...hosts({ dns: 1, issue: 1, client: PARALLEL }).map(both),
  ]
  await using world = await World.open({
    plan: { hosts: plan },
    driver: memoryDriver(),
    trace: new Trace(),
    workDirectory,
    signal: AbortSignal.timeout(300_000),
    ca: caOptions,
    // The limit goes to the CA directly, too.
    caProxied: false,
  })
  let next = 0
  return await measure(async () => {
    // Each time another client, except where one waits for another.
    const client = world.clients[next++ % PARALLEL]
    const { error, certificate } = await world.obtain(client?.name ?? '')
    if (error !== undefined) throw error
    if (certificate.names.length !== 3) throw new Error(`names ${certificate.names.join(', ')}`)
  }, PARALLEL)
}
