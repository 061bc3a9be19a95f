// From what a case did to its verdict, and from all verdicts to how the run ends: pure.
import { AssertionError } from 'node:assert'
import { CheckFailure, type Finding, type Level, type Verdict } from './case.ts'

export const VERDICTS: readonly Verdict[] = [
  'pass',
  'fail',
  'nonstrict',
  'info',
  'unsupported',
  'inconclusive',
]

/** A verdict with its reasons. */
export interface Judgement {
  readonly verdict: Verdict
  /** Why it is not simply `pass`. */
  readonly reason?: string
  /** Of a failed check. */
  readonly expected?: string
  readonly actual?: string
  /** How to see just that. @default as the case says */
  readonly byHand?: string
  /** The suite itself is wrong; a stack, for its authors. */
  readonly suiteFault?: string
}

/** What became of a case's `run`. */
export type Ending =
  | { readonly returned: Finding | undefined }
  | { readonly thrown: unknown; readonly deadlineMs?: number }

/**
 * A SHOULD that is missed is `nonstrict`, and `fail` where the run is strict. Whatever is thrown and is no CheckFailure
 * says nothing about the target.
 */
export function judge(
  ending: Ending,
  { level, strict }: { readonly level: Level; readonly strict: boolean },
): Judgement {
  if ('returned' in ending) {
    const finding = ending.returned
    if (finding === undefined) return { verdict: 'pass' }
    const missed = finding.verdict === 'nonstrict' && level === 'SHOULD' && strict
    return { verdict: missed ? 'fail' : finding.verdict, reason: finding.reason }
  }
  const { thrown, deadlineMs } = ending
  if (thrown instanceof CheckFailure) {
    const { expected, actual, byHand } = thrown
    const verdict = missedVerdict(level, strict)
    return { verdict, expected, actual, ...(byHand === undefined ? {} : { byHand }) }
  }
  if (deadlineMs !== undefined) {
    return { verdict: 'inconclusive', reason: `the check took longer than ${deadlineMs} ms` }
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return isSuiteFault(thrown)
    ? { verdict: 'inconclusive', reason, suiteFault: thrown.stack ?? reason }
    : { verdict: 'inconclusive', reason: reason === '' ? 'broken off' : reason }
}

function missedVerdict(level: Level, strict: boolean): Verdict {
  switch (level) {
    case 'MUST':
      return 'fail'
    case 'SHOULD':
      return strict ? 'fail' : 'nonstrict'
    case 'MAY':
      return 'info'
  }
}

/** Mistakes of programmers: nothing that a target sends makes code of ours use a value that is not there. */
function isSuiteFault(thrown: unknown): thrown is Error {
  return (
    thrown instanceof AssertionError ||
    thrown instanceof TypeError ||
    thrown instanceof ReferenceError
  )
}

/** How the command ends, where no signal has ended it. */
export const EXIT = {
  pass: 0,
  failed: 1,
  usage: 2,
  nothingRun: 3,
  unreachable: 4,
  suiteFault: 5,
} as const

/** How it ends after a signal: 128 and its number, as shells have it. */
export const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Why a run was ended. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError'
  readonly exitCode: number

  constructor(signal: keyof typeof SIGNAL_EXITS) {
    super(`stopped by ${signal}`)
    this.exitCode = SIGNAL_EXITS[signal]
  }
}

/** What an aborted run ends with. */
export function exitCodeOfStop(signal: AbortSignal): number {
  return signal.reason instanceof StoppedError ? signal.reason.exitCode : SIGNAL_EXITS.SIGINT
}

/** What an exit code depends on. */
export interface Outcome {
  readonly verdict: Verdict
  readonly level: Level
  readonly suiteFault?: string
  /** The verdict that a file of known failures foretells. */
  readonly known?: Verdict
}

export function exitCode(
  outcomes: readonly Outcome[],
  {
    strict,
    overtaken,
  }: {
    readonly strict: boolean
    /** How many known failures have become better. */
    readonly overtaken: number
  },
): number {
  const ran = outcomes.filter(({ verdict }) => verdict !== 'unsupported')
  if (ran.length === 0) return EXIT.nothingRun
  const counted = ran.filter(({ verdict, known }) => verdict !== known)
  const matters = ({ level }: Outcome): boolean =>
    level === 'MUST' || (strict && level === 'SHOULD')
  if (counted.some((one) => one.verdict === 'fail' && matters(one))) return EXIT.failed
  // A strict run also wants a file of known failures to be true.
  if (strict && overtaken > 0) return EXIT.failed
  if (ran.some(({ suiteFault }) => suiteFault !== undefined)) return EXIT.suiteFault
  // What could not be judged has not been shown to hold.
  if (counted.some((one) => one.verdict === 'inconclusive' && matters(one))) return EXIT.unreachable
  return EXIT.pass
}

/** How a command ends when something that it should have written is lost. What a failure or an interruption says stays. */
export function exitCodeOfLoss(code: number): number {
  const replaced: readonly number[] = [EXIT.pass, EXIT.nothingRun, EXIT.unreachable]
  return replaced.includes(code) ? EXIT.suiteFault : code
}
