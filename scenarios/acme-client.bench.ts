// How long acme-client from npm takes for a certificate with 3 names, beside a whole obtain() of ours: for comparison.
// Its challenges need no protocol and its names no proof; they are answered by our DNS server in the same process.
import acme from 'acme-client'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answer } from '../impl/dns/answer.ts'
import { ChallengeStore } from '../impl/dns/challenges.ts'
import { openSockets } from '../impl/dns/sockets.ts'
import { createZone } from '../impl/dns/zone.ts'
import { caOptionsFromEnvironment, openAcmeCa } from './engine/ca/index.ts'
import { memoryDriver } from './engine/drivers/memory.ts'
import type { HostPlan } from './engine/scenario.ts'
import { Trace } from './engine/trace.ts'
import { World } from './engine/world.ts'

const ZONE = 'nt.example'
const ORDERS = 20
/** It waits 5 s, then 10, before it looks again: a few of those are enough. */
const ORDERS_BY_DEFAULT = 2
const TIMEOUT_MS = 300_000

const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-bench-'))
const ca = caOptionsFromEnvironment(process.env)
try {
  const theirs = await acmeClient()
  const limit = await ours()
  const beside = { unit: 'ms', limit }
  const name = 'one issuance, 3 names: acme-client auto'
  report({ name: `${name}, as it polls by default`, ...beside, value: theirs.byDefaultMs })
  report({ name: `${name}, as fast as it can poll`, ...beside, value: theirs.fastMs })
} finally {
  await rm(workDirectory, { recursive: true, force: true })
}
process.exit()

async function acmeClient(): Promise<{ readonly byDefaultMs: number; readonly fastMs: number }> {
  const zone = createZone({
    zone: ZONE,
    nameServers: [{ name: `ns1.${ZONE}`, addresses: ['127.0.0.1'] }],
  })
  const challenges = new ChallengeStore()
  const sockets = await openSockets([{ address: '127.0.0.1', port: 0 }], {
    respond: (packet, transport) =>
      answer(packet, { zone, challenges, now: performance.now(), transport }),
    report: { dropped: () => {}, failed: () => {} },
  })
  const server = await openAcmeCa({
    ...ca,
    resolver: `127.0.0.1:${sockets.addresses[0]?.port}`,
    workDirectory,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const agent = new Agent({ keepAlive: true, ca: server.certificateAuthority })
  acme.axios.defaults.httpsAgent = agent
  const measure = async (count: number, polling: object): Promise<number> => {
    // An account that is there already gets an empty update, which Pebble refuses.
    const accountKey = await acme.crypto.createPrivateEcdsaKey()
    const client = new acme.Client({ directoryUrl: server.directoryUrl, accountKey, ...polling })
    await client.createAccount({ termsOfServiceAgreed: true })
    const order = async (): Promise<number> => {
      const startedAt = performance.now()
      const [, csr] = await acme.crypto.createCsr(
        { altNames: randomNames() },
        await acme.crypto.createPrivateEcdsaKey(),
      )
      await client.auto({
        csr,
        challengePriority: ['dns-01'],
        // It would ask this machine's resolver, which does not know the zone.
        skipChallengeVerification: true,
        async challengeCreateFn({ identifier }, _challenge, value) {
          challenges.set({ name: identifier.value, value }, performance.now())
        },
        challengeRemoveFn: async () => {},
      })
      return performance.now() - startedAt
    }
    const durationsMs: number[] = []
    for (let index = 0; index < count; index++) durationsMs.push(await order())
    return median(durationsMs)
  }
  const fastMs = await measure(ORDERS, { backoffMin: 1, backoffMax: 10, backoffAttempts: 1_000 })
  const byDefaultMs = await measure(ORDERS_BY_DEFAULT, {})
  agent.destroy()
  await server.stop()
  await sockets.close()
  return { byDefaultMs, fastMs }
}

/** Proofs, challenges over libp2p and all, as in obtain.bench.ts. */
async function ours(): Promise<number> {
  const clients = Array.from({ length: ORDERS + 1 }, (_, index) => `client${index}`)
  const hosts: HostPlan[] = [
    { name: 'proof1', role: 'proof', families: [4] },
    { name: 'proof2', role: 'proof', families: [6] },
    { name: 'dns', role: 'dns', families: [4, 6] },
    { name: 'issue', role: 'issue', families: [4, 6] },
    ...clients.map((name) => ({
      name,
      role: 'client' as const,
      families: [4, 6] as const,
      options: { announce: false },
    })),
  ]
  await using world = await World.open({
    plan: { hosts },
    driver: memoryDriver(),
    trace: new Trace(),
    workDirectory,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ca,
  })
  const durationsMs: number[] = []
  for (const client of clients) {
    const startedAt = performance.now()
    const { error } = await world.obtain(client)
    if (error !== undefined) throw error
    durationsMs.push(performance.now() - startedAt)
  }
  return median(durationsMs.slice(1))
}

function randomNames(): string[] {
  const [a = 0, b = 0, c = 0] = randomBytes(3)
  return [
    `p${randomBytes(16).toString('hex')}.${ZONE}`,
    `ip410-${a}-${b}-${c}.${ZONE}`,
    `ip62001-db8--${a.toString(16)}-${b.toString(16)}.${ZONE}`,
  ]
}

function report(measurement: object): void {
  process.stdout.write(`${JSON.stringify(measurement)}\n`)
}

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[values.length >> 1] ?? 0
}
