// How long acme-client from npm takes for a certificate with 3 names, beside a whole obtain() of ours: for comparison.
// Its challenges need no protocol and its names no proof; they are answered by our DNS server in the same process.
import acme from 'acme-client'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { caOptionsFromEnvironment } from '../engine/ca/index.ts'
import { memoryDriver } from '../engine/drivers/memory.ts'
import type { HostPlan } from '../engine/scenario.ts'
import { Trace } from '../engine/trace.ts'
import { World } from '../engine/world.ts'
import { openBenchCa, randomNames } from './ca.ts'
import { durationMs, median, report } from './figures.ts'

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
  await using bench = await openBenchCa({ ...ca, workDirectory })
  const agent = new Agent({ keepAlive: true, ca: bench.ca.certificateAuthority })
  acme.axios.defaults.httpsAgent = agent
  const measure = async (count: number, polling: object): Promise<number> => {
    // An account that is there already gets an empty update, which Pebble refuses.
    const accountKey = await acme.crypto.createPrivateEcdsaKey()
    const { directoryUrl } = bench.ca
    const client = new acme.Client({ directoryUrl, accountKey, ...polling })
    await client.createAccount({ termsOfServiceAgreed: true })
    const order = async (): Promise<void> => {
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
          bench.answerWith(identifier.value, value)
        },
        challengeRemoveFn: async () => {},
      })
    }
    const durationsMs: number[] = []
    for (let index = 0; index < count; index++) durationsMs.push(await durationMs(order))
    return median(durationsMs)
  }
  const fastMs = await measure(ORDERS, { backoffMin: 1, backoffMax: 10, backoffAttempts: 1_000 })
  const byDefaultMs = await measure(ORDERS_BY_DEFAULT, {})
  agent.destroy()
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
    const obtain = async (): Promise<void> => {
      const { error } = await world.obtain(client)
      if (error !== undefined) throw error
    }
    durationsMs.push(await durationMs(obtain))
  }
  return median(durationsMs.slice(1))
}
