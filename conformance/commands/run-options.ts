import { randomInt } from 'node:crypto'
import { parseReportFile, type ReportFile } from '../reports/write-reports.ts'
import type { Level, Role } from '../suite/case.ts'
import { fileIdentity, isFileOrNone } from '../suite/files.ts'
import { UsageError } from '../suite/problems.ts'
import { LEVELS } from '../suite/selection.ts'

/** The words of the command line that `run` and `self` share. */
export interface RunWords {
  /** Of `run` alone. */
  readonly target?: string
  readonly role?: readonly Role[]
  readonly level?: string
  readonly exclude?: readonly string[]
  readonly intrusive?: boolean
  /** Of `self` alone, which always has it. */
  readonly slow?: boolean
  readonly strict?: boolean
  readonly expect?: string
  readonly report?: readonly string[]
  readonly out: string
  readonly seed?: string
  readonly rate?: string
  readonly concurrency?: string
  readonly timeout?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** What they mean. */
export interface RunSettings {
  readonly levels: readonly Level[]
  readonly reports: readonly ReportFile[]
  readonly seed: number
  /** Exchanges a second. */
  readonly perSecond: number
  readonly concurrency: number
  readonly timeoutMs: number | undefined
}

const SEED_MAX = 2 ** 32 - 1
const CONCURRENCY_MAX = 64
const TIMEOUT_SECONDS_MAX = 3_600
/** What servers that are somebody else's stand without noticing, and what ours do. */
export const POLITE = { perSecond: 20, concurrency: 4 }
/** Checks that wait for a deadline, which are some, wait at the same time. */
export const UNBOUNDED = { perSecond: Infinity, concurrency: 16 }

/** @throws {UsageError} with every word that means nothing */
export function readWords(words: RunWords, { perSecond, concurrency }: typeof POLITE): RunSettings {
  const mistakes: string[] = []
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      mistakes.push(error.message)
      return otherwise
    }
  }
  const whole = (name: string, text: string | undefined, most: number, otherwise: number): number =>
    attempt(() => wholeNumber(name, text, { most, otherwise }), otherwise)
  const settings: RunSettings = {
    levels: attempt(() => parseLevels(words.level), []),
    reports: (words.report ?? []).flatMap((text) => attempt(() => [parseReportFile(text)], [])),
    seed: whole('--seed', words.seed, SEED_MAX, randomInt(SEED_MAX)),
    perSecond: attempt(() => parseRate(words.rate, perSecond), perSecond),
    concurrency: whole('--concurrency', words.concurrency, CONCURRENCY_MAX, concurrency),
    timeoutMs:
      words.timeout === undefined
        ? undefined
        : whole('--timeout', words.timeout, TIMEOUT_SECONDS_MAX, 0) * 1_000,
  }
  mistakes.push(...overwritten(settings.reports, [words.target, words.expect]))
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'))
  return settings
}

/** Reports in the place of what the run reads, or of one another: the target file holds keys that are nowhere else. */
function overwritten(
  reports: readonly ReportFile[],
  inputs: readonly (string | undefined)[],
): readonly string[] {
  const taken = new Set(inputs.flatMap((file) => (file === undefined ? [] : [fileIdentity(file)])))
  return reports.flatMap(({ format, file }) => {
    const path = fileIdentity(file)
    if (taken.has(path)) {
      return [`--report ${format}=${file} would overwrite a file of this run: take another name`]
    }
    // Devices and pipes take one after the other.
    if (isFileOrNone(file)) taken.add(path)
    return []
  })
}

function parseLevels(text: string | undefined): readonly Level[] {
  return (text?.split(',') ?? []).map((word) => {
    const level = LEVELS.find((known) => known.toLowerCase() === word.trim().toLowerCase())
    if (level === undefined) {
      throw new UsageError(
        `--level is "${word}", wanted must, should or may, or several: must,should`,
      )
    }
    return level
  })
}

function parseRate(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const rate = text === 'none' ? Infinity : Number(text)
  if (text.trim() !== '' && rate > 0) return rate
  throw new UsageError(
    `--rate is "${text}", wanted exchanges a second, such as 20, or none for no bound`,
  )
}

function wholeNumber(
  name: string,
  text: string | undefined,
  { most, otherwise }: { readonly most: number; readonly otherwise: number },
): number {
  if (text === undefined) return otherwise
  const found = Number(text)
  const least = name === '--seed' ? 0 : 1
  if (text.trim() !== '' && Number.isInteger(found) && found >= least && found <= most) return found
  throw new UsageError(`${name} is "${text}", wanted a whole number from ${least} to ${most}`)
}
