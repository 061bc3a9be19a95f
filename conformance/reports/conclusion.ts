// What a run comes to, in a line that says what is so and agrees with its exit code.
import type { Level, Verdict } from '../suite/case.ts'
import { EXIT } from '../suite/verdicts.ts'
import { counted } from '../suite/words.ts'
import { unseenMusts } from './left-out.ts'
import type { ReportedCase, RunReport } from './report.ts'

export interface Conclusion {
  /** The verdict that it looks like. */
  readonly tone: Verdict
  readonly words: string
}

export function conclusionOf(report: RunReport): Conclusion {
  const { exitCode, strict, results } = report
  const every = strict ? 'MUST and SHOULD' : 'MUST'
  const mattering = results.filter(({ level }) => matters(level, strict))
  const failed = mattering.filter(({ verdict, known }) => verdict === 'fail' && known !== verdict)
  const known = knownText(mattering)
  const passed = overtakenText(report)
  const also = passed === undefined ? '' : `; ${passed}`
  switch (exitCode) {
    case EXIT.pass: {
      const which = unseenMusts(report).length === 0 ? '' : ' that was looked at'
      const but = known === undefined ? '' : ` but for ${known}`
      return { tone: 'pass', words: `every ${every}${which} holds${but}${also}` }
    }
    case EXIT.failed: {
      if (failed.length === 0) {
        const but = known === undefined ? ', but' : ` but for ${known}, and`
        return { tone: 'fail', words: `every ${every} holds${but} ${passed}` }
      }
      const fail = `${counted(failed.length, 'check')} ${failed.length === 1 ? 'fails' : 'fail'}`
      const beside = known === undefined ? '' : `, beside ${known}`
      return { tone: 'fail', words: `NOT EVERY ${every} HOLDS: ${fail}${beside}${also}` }
    }
    case EXIT.nothingRun:
      return { tone: 'unsupported', words: 'no check could be run' }
    case EXIT.unreachable:
      return { tone: 'inconclusive', words: `not every ${every} could be checked${also}` }
    case EXIT.suiteFault:
      return { tone: 'inconclusive', words: 'the suite itself failed: please report it' }
    default:
      return { tone: 'inconclusive', words: 'the run was broken off' }
  }
}

/** What to do about a known failure that this check no longer shows; undefined where there is nothing to do. */
export function unexpectedPass(report: RunReport, one: ReportedCase): string | undefined {
  const entry = report.overtaken.find((id) => id === one.id || id === one.requirement)
  // Elsewhere in the requirement something may not apply.
  if (entry === undefined || one.known === undefined || one.verdict === 'unsupported') {
    return undefined
  }
  return `unexpected ${one.verdict}: remove "${entry}" from ${expectFile(report)}`
}

function overtakenText(report: RunReport): string | undefined {
  const { length } = report.overtaken
  if (length === 0) return undefined
  return `${counted(length, 'expected failure')} passed: remove ${length === 1 ? 'it' : 'them'} from ${expectFile(report)}`
}

function expectFile({ expect }: RunReport): string {
  return expect ?? 'the file of known failures'
}

function knownText(results: readonly ReportedCase[]): string | undefined {
  const count = (wanted: Verdict): number =>
    results.filter(({ verdict, known }) => verdict === wanted && known === wanted).length
  const [failures, unjudged] = [count('fail'), count('inconclusive')]
  const texts = [
    ...(failures === 0 ? [] : [counted(failures, 'known failure')]),
    ...(unjudged === 0 ? [] : [`${unjudged} known to be inconclusive`]),
  ]
  return texts.length === 0 ? undefined : texts.join(' and ')
}

function matters(level: Level, strict: boolean): boolean {
  return level === 'MUST' || (strict && level === 'SHOULD')
}
