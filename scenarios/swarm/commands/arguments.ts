import { InvalidArgumentError, type Command } from 'commander'
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseReduction, type Reduction } from '../plan.ts'
import { parseSeed } from '../seed-text.ts'

/** What says which world of a seed is meant. */
export interface WorldOptions {
  readonly world: string
  readonly faults?: string
  readonly without?: string
  readonly halved?: string
}

/** Adds the options by which a shrunk world is named. */
export function withReduction(command: Command): Command {
  return command
    .option('--faults <list>', 'only these of its faults, by their numbers from 0, or "none"')
    .option('--without <hosts>', 'without these hosts')
    .option('--halved <list>', 'how often the length of a fault is halved, as NUMBER:TIMES')
}

/** @throws {InvalidArgumentError} */
export function reductionOf(options: WorldOptions): Reduction {
  try {
    return parseReduction(options)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

/** @throws {InvalidArgumentError} */
export function seedArgument(text: string): string {
  try {
    return String(parseSeed(text))
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

export function countArgument(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError('wanted a whole number from 1.')
  }
  return count
}

/** A file to write when a run is over, which shall not be in vain. @throws {InvalidArgumentError} */
export function fileArgument(path: string): string {
  const folder = dirname(path)
  try {
    accessSync(folder, constants.W_OK)
  } catch {
    throw new InvalidArgumentError(`there is no folder "${folder}" to write it to.`)
  }
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isDirectory() === true) throw new InvalidArgumentError('it is a folder.')
  try {
    if (there !== undefined) accessSync(path, constants.W_OK)
  } catch {
    throw new InvalidArgumentError('it cannot be written.')
  }
  return path
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** Timers of Node end at once where they shall last longer. */
const DURATION_MS_MAX = 2 ** 31 - 1

/** `90s`, `20m` or `8h`, in ms. @throws {InvalidArgumentError} */
export function durationArgument(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const durationMs = Number(amount) * (UNITS[unit] ?? 0)
  if (durationMs >= 1 && durationMs <= DURATION_MS_MAX) return durationMs
  throw new InvalidArgumentError('wanted such as 90s, 20m or 8h, and at most 596h.')
}
