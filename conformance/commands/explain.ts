import { styleText } from 'node:util'
import { withTargetFile } from '../checks/by-hand.ts'
import { levelOf, namedRequirements, type NamedRequirement } from '../suite/catalogue.ts'
import type { Case } from '../suite/case.ts'
import { readTarget } from '../suite/read-target.ts'
import type { Target } from '../suite/target.ts'
import { jsonText, type CommandIo } from './io.ts'
import { EXAMPLE_TARGET } from './example-target.ts'
import { needsOf } from './list.ts'

export interface ExplainWords {
  readonly target?: string
  readonly json?: boolean
}

/** `explain`: requirements, where they come from, what was decided, and how their checks are done by hand. */
export async function explain(
  selectors: readonly string[],
  words: ExplainWords,
  io: CommandIo,
): Promise<void> {
  const target = words.target === undefined ? EXAMPLE_TARGET : await readTarget(words.target)
  const told = { target, file: words.target }
  const found = namedRequirements(selectors).map((one) => explanation(one, told))
  if (words.json === true) {
    io.write(jsonText(found))
    return
  }
  const note =
    words.target === undefined
      ? ['', 'Addresses are examples: --target FILE puts in those of a target.']
      : []
  io.write(`${[...found.map(text), ...note].join('\n')}\n`)
}

type Explanation = ReturnType<typeof explanation>

interface Told {
  readonly target: Target
  /** The target's; undefined for an example. */
  readonly file: string | undefined
}

function explanation({ requirement, cases }: NamedRequirement, told: Told) {
  return { ...requirement, cases: cases.map((one) => caseExplanation(one, told)) }
}

function caseExplanation(one: Case, { target, file }: Told) {
  const byHand = one.byHand(target)
  return {
    id: one.id,
    title: one.title,
    level: levelOf(one),
    needs: needsOf(one),
    intrusive: one.intrusive === true,
    byHand: file === undefined ? byHand : withTargetFile(byHand, file),
  }
}

function text(one: Explanation): string {
  const { id, level, title, sentence, source, why, unchecked, role, since, cases } = one
  return [
    styleText('bold', `${id}: ${title}`),
    `${level}, ${role}, since ${since}`,
    '',
    sentence,
    '',
    `source    ${source.join(', ')}`,
    ...(why === undefined ? [] : [`decided   ${why}`]),
    ...(unchecked === undefined ? [] : [`no check  ${unchecked}`]),
    ...cases.flatMap((each) => [
      '',
      `${styleText('cyan', each.id)}${each.level === level ? '' : ` (${each.level})`}${each.intrusive ? ' (intrusive)' : ''}`,
      `  ${each.title}`,
      ...(each.needs.length === 0 ? [] : [`  needs ${each.needs.join(', ')}`]),
      ...each.byHand.split('\n').map((line) => `    ${line}`),
    ]),
    '',
  ].join('\n')
}
