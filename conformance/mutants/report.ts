import { styleText } from 'node:util'
import type { Uncovered } from './choose.ts'
import type { Failure, Outcome } from './outcome.ts'

/** What a run found, as `--json` prints it. */
export interface MutantReport {
  /** All are killed, and every MUST has a mutant or says why not. */
  readonly good: boolean
  readonly counts: Readonly<Record<Outcome['state'], number>>
  readonly outcomes: readonly Outcome[]
  readonly uncovered: readonly Uncovered[]
  /** Checks that no mutant made fail, by their ids. */
  readonly untripped: readonly string[]
  readonly durationMs: number
}

const STATES = ['killed', 'survived', 'spilled', 'excused', 'broken'] as const
const MARKS = {
  killed: ['✓', 'green'],
  survived: ['✗', 'red'],
  spilled: ['≈', 'yellow'],
  excused: ['≈', 'yellow'],
  broken: ['!', 'red'],
} as const

const ID_WIDTH = 36
const SEEN_LENGTH_MAX = 160

export function toReport({
  outcomes,
  uncovered,
  untripped,
  durationMs,
}: Pick<MutantReport, 'outcomes' | 'uncovered' | 'untripped' | 'durationMs'>): MutantReport {
  const count = (state: Outcome['state']): number =>
    outcomes.filter((outcome) => outcome.state === state).length
  return {
    good:
      outcomes.every(({ state }) => state === 'killed') &&
      uncovered.every(({ reason }) => reason !== undefined),
    counts: {
      killed: count('killed'),
      survived: count('survived'),
      spilled: count('spilled'),
      excused: count('excused'),
      broken: count('broken'),
    },
    outcomes,
    uncovered,
    untripped,
    durationMs,
  }
}

/** One mutant: a line, and below it what should not be. */
export function rowText(outcome: Outcome): string {
  const { mutant, state, killedBy, judged, unexpected, untouched, reason, durationMs } = outcome
  const [mark, style] = MARKS[state]
  const [first, ...others] = killedBy
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  const what = first === undefined ? styleText('red', state) : `${first}${more}`
  const seconds = styleText('gray', `${(durationMs / 1_000).toFixed(1)} s`)
  return [
    `${styleText(style, mark)} ${mutant.id.padEnd(ID_WIDTH)} ${mutant.breaks.padEnd(14)} ${what}  ${seconds}`,
    ...(reason === undefined ? [] : [`    ${reason}`]),
    ...(state === 'survived' ? [`    ${mutant.why}: no check of ${mutant.breaks} failed`] : []),
    ...(state === 'survived' ? judged.map(seenLine) : []),
    ...unexpected.map((failure) =>
      seenLine({ ...failure, verdict: `unexpected ${failure.verdict}` }),
    ),
    ...(untouched.length === 0 || state === 'broken'
      ? []
      : [`    stated as neighbours, and no check of them failed: ${untouched.join(', ')}`]),
  ].join('\n')
}

function seenLine({ id, verdict, seen }: Failure): string {
  return `    ${verdict}: ${id}: ${seen.replaceAll('\n', ' ').slice(0, SEEN_LENGTH_MAX)}`
}

/** What the rows come to. */
export function reportText({
  counts,
  uncovered,
  untripped,
  durationMs,
  good,
}: MutantReport): string {
  const lines = [
    '',
    ...(untripped.length === 0
      ? []
      : [
          `${untripped.length} checks that no mutant tripped:`,
          ...untripped.map((id) => `  ${id}`),
        ]),
    ...uncovered.map(
      ({ id, title, reason }) =>
        `no mutant of ${id} (${title}): ${reason ?? styleText('red', 'nobody has said why')}`,
    ),
    `${STATES.filter((state) => counts[state] > 0)
      .map((state) => styleText(MARKS[state][1], `${counts[state]} ${state}`))
      .join(', ')}  ${styleText('gray', `${(durationMs / 1_000).toFixed(0)} s`)}`,
    good
      ? styleText('green', 'every mutant is killed')
      : styleText('red', 'NOT EVERY MUTANT IS KILLED'),
  ]
  return `${lines.join('\n')}\n`
}
