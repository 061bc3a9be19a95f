import type { SeedResult, SeedRunner } from '../result.ts'

const DIGEST = {
  events: 'e0',
  shape: 's0',
  bytes: 'b0',
  eventCount: 40,
  packetCount: 400,
  byteCount: 40_000,
}

/** A recorded result; a test says what is different in its own. */
export function makeResult(result: Partial<SeedResult> = {}): SeedResult {
  const { seed = '177', world = 'swarm' } = result
  return {
    seed,
    world,
    class: 'pass',
    options: { clients: 5, proofServers: 3 },
    faults: 4,
    virtualMs: 170_000,
    cpuMs: 120,
    realMs: 130,
    events: 9_000,
    draws: 300,
    digest: DIGEST,
    sometimes: [],
    replay: `npm run scenario -- replay ${seed}`,
    ...result,
  }
}

/** A recorded failure. */
export function makeFailure(
  invariant: string,
  result: Partial<SeedResult> & { readonly problem?: string } = {},
): SeedResult {
  const { problem = 'client1 has none', ...rest } = result
  return makeResult({
    class: 'liveness',
    failure: { invariant, problem, atMs: 120_000, hosts: ['client1'] },
    ...rest,
  })
}

/** A runner that tells what was recorded for a seed. */
export function recordedRunner(
  resultOf: (seed: string, world: string) => SeedResult | Promise<SeedResult>,
): SeedRunner {
  return {
    run: async (seed, { world }) => await resultOf(seed, world),
    [Symbol.asyncDispose]: async () => {},
  }
}
