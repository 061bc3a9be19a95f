import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { UnavailableError } from '../../engine/machine/machine.ts'
import { namingFile } from '../../engine/output-file.ts'
import { keepFastest } from '../campaign/tally.ts'
import type { NightReport } from './night-report.ts'

/** A failing seed, as it is remembered. */
const SeedRecord = z.strictObject({
  seed: z.string(),
  world: z.string(),
  class: z.string(),
  signature: z.string(),
  problem: z.string(),
  cpuMs: z.number(),
  faults: z.number(),
  /** Of the smallest world with this failure, where there is one. */
  replay: z.string(),
  /** ISO 8601. */
  foundAt: z.string(),
})

const CommitRecord = z.strictObject({
  commit: z.string(),
  /** Of its first night; ISO 8601. */
  since: z.string(),
  passed: z.number(),
  failed: z.number(),
  seeds: z.array(SeedRecord),
})

const NightRecord = z.strictObject({
  date: z.string(),
  commit: z.string(),
  startedAt: z.string(),
  durationMs: z.number(),
  seeds: z.number(),
  failed: z.number(),
  virtualMs: z.number(),
  /** Seeds until the canary's bug was found; null where it was not. */
  canarySeeds: z.number().nullable(),
  neverMet: z.number(),
  problems: z.number(),
})

const Database = z.strictObject({
  version: z.literal(1),
  /** The newest first. */
  commits: z.array(CommitRecord),
  nights: z.array(NightRecord),
})

export type SeedDatabase = z.infer<typeof Database>
export type NightRecord = z.infer<typeof NightRecord>
export type CommitRecord = z.infer<typeof CommitRecord>

export const COMMITS_MAX = 32
/** A year of nights. */
export const NIGHTS_MAX = 366

export const EMPTY: SeedDatabase = { version: 1, commits: [], nights: [] }

/** Adds a night: of each failure and commit the fastest seeds stay, passing seeds only as a count. */
export function withNight(database: SeedDatabase, night: NightReport): SeedDatabase {
  const { commit, startedAt, lanes } = night
  const found = lanes.flatMap(({ failures }) =>
    failures.flatMap(({ signature, fastest }) =>
      fastest.map((result) => ({
        seed: result.seed,
        world: result.world,
        class: result.class,
        signature,
        problem: result.failure?.problem ?? '',
        cpuMs: result.cpuMs,
        faults: result.shrunk?.faults ?? result.faults,
        replay: result.shrunk?.replay ?? result.replay,
        foundAt: startedAt,
      })),
    ),
  )
  const sum = (of: (lane: NightReport['lanes'][number]) => number): number =>
    lanes.reduce((total, lane) => total + of(lane), 0)
  const seeds = sum((lane) => lane.seeds)
  const passed = sum(({ classes }) => classes.pass ?? 0)
  const known = database.commits.find((one) => one.commit === commit)
  const record: CommitRecord = {
    commit,
    since: known?.since ?? startedAt,
    passed: (known?.passed ?? 0) + passed,
    failed: (known?.failed ?? 0) + seeds - passed,
    // A seed that is found again counts as it was found last: it may have been shrunk since.
    seeds: [
      ...Map.groupBy([...(known?.seeds ?? []), ...found], ({ signature }) => signature),
    ].flatMap(([, all]) => keepFastest(all)),
  }
  return {
    version: 1,
    commits: [record, ...database.commits.filter((one) => one !== known)].slice(0, COMMITS_MAX),
    nights: [
      {
        date: night.date,
        commit,
        startedAt,
        durationMs: night.durationMs,
        seeds,
        failed: seeds - passed,
        virtualMs: sum((lane) => lane.virtualMs),
        canarySeeds: night.canary.found === undefined ? null : night.canary.seeds,
        neverMet: night.sometimes.filter((one) => one.seeds === 0).length,
        problems: night.problems.length,
      },
      ...database.nights,
    ].slice(0, NIGHTS_MAX),
  }
}

/**
 * The database in a file; an empty one where there is none.
 *
 * @throws {UnavailableError} where the file holds something else
 */
export async function readDatabase(file: string): Promise<SeedDatabase> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return EMPTY
    throw new UnavailableError(`"${file}" cannot be read (${code})`, { cause: error })
  }
  try {
    return Database.parse(JSON.parse(text))
  } catch (error) {
    throw new UnavailableError(`"${file}" is no seed database: move it away to begin a new one`, {
      cause: error,
    })
  }
}

/** A night that is broken off leaves the old one. @throws {OutputError} */
export async function writeDatabase(file: string, database: SeedDatabase): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  // Of its own: no other writer's half is taken for the whole.
  const next = `${file}.${randomUUID()}.new`
  try {
    await namingFile(file, writeFile(next, `${JSON.stringify(database, null, 1)}\n`))
    await namingFile(file, rename(next, file))
  } finally {
    // A full disk has a half of it.
    await rm(next, { force: true })
  }
}
