import type { SeedResult, SeedRunner } from '../result.ts'

export interface RunOptions {
  readonly world: string
  readonly signal: AbortSignal
  /** From then on a seed that nobody has begun is given up, with {@link NotTakenError}. @default never */
  readonly until?: AbortSignal
  /** Gives it up only where there is nobody who could begin it. @default false */
  readonly isPatient?: boolean
}

/** Nobody has begun a seed in its time. */
export class NotTakenError extends Error {
  override readonly name = 'NotTakenError'
}

/** Where seeds run: processes of this machine, or a queue that many machines take from. */
export interface Crew extends AsyncDisposable {
  /** How many seeds it can take at once; this may change. */
  readonly width: number
  run(seed: string, options: RunOptions): Promise<SeedResult>
  /** Runs it where nothing has run before, so that only the seed can decide what happens. */
  runFresh(seed: string, options: RunOptions): Promise<SeedResult>
}

export interface LocalCrewInit {
  /** Processes at once. */
  readonly jobs: number
  readonly openRunner: () => SeedRunner | Promise<SeedRunner>
}

/** Processes of this machine; each runs one seed after another. */
export function localCrew({ jobs, openRunner }: LocalCrewInit): Crew {
  const idle: SeedRunner[] = []
  return {
    width: jobs,
    async run(seed, options) {
      const runner = idle.pop() ?? (await openRunner())
      try {
        const result = await runner.run(seed, options)
        idle.push(runner)
        return result
      } catch (error) {
        await runner[Symbol.asyncDispose]()
        throw error
      }
    },
    async runFresh(seed, options) {
      await using runner = await openRunner()
      return await runner.run(seed, options)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(idle.splice(0).map((runner) => runner[Symbol.asyncDispose]()))
    },
  }
}
