import { styleText } from 'node:util'
import { CASES, findRequirement, levelOf, REQUIREMENTS } from '../suite/catalogue.ts'
import type { Case } from '../suite/case.ts'
import { nearestNames } from '../suite/nearest.ts'
import { UsageError } from '../suite/problems.ts'
import { readTarget } from '../suite/read-target.ts'
import { requirementOf } from '../suite/selection.ts'
import type { Target } from '../suite/target.ts'
import { jsonText, type CommandIo } from './io.ts'
import { EXAMPLE_TARGET } from './example-target.ts'
import { needsOf } from './list.ts'

export interface ExplainWords {
  readonly target?: string
  readonly json?: boolean
}

/** `explain`: a requirement, where it comes from, what was decided, and how each of its checks is done by hand. */
export async function explain(
  ids: readonly string[],
  words: ExplainWords,
  io: CommandIo,
): Promise<void> {
  const target = words.target === undefined ? EXAMPLE_TARGET : await readTarget(words.target)
  const found = ids.map((id) => explanation(id, { target, file: words.target ?? EXAMPLE_FILE }))
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

/** The target file as the checks write it. */
const EXAMPLE_FILE = 'target.json'

interface Told {
  readonly target: Target
  readonly file: string
}

function explanation(word: string, told: Told) {
  const [id = '', slug] = word.toUpperCase().startsWith('NT-') ? word.split('/') : [word]
  const requirement = findRequirement(id.toUpperCase())
  if (requirement === undefined) {
    const near = nearestNames(
      id,
      REQUIREMENTS.map((one) => one.id),
    )
    throw new UsageError(
      `there is no requirement "${word}", the nearest are ${near.join(', ')}: "list" shows them all`,
    )
  }
  const cases = CASES.filter(
    (one) =>
      requirementOf(one) === requirement.id &&
      (slug === undefined || one.id === `${requirement.id}/${slug}`),
  )
  if (slug !== undefined && cases.length === 0) {
    throw new UsageError(
      `there is no check "${word}": "explain ${requirement.id}" shows its checks`,
    )
  }
  return { ...requirement, cases: cases.map((one) => caseExplanation(one, told)) }
}

function caseExplanation(one: Case, { target, file }: Told) {
  return {
    id: one.id,
    title: one.title,
    level: levelOf(one),
    needs: needsOf(one),
    intrusive: one.intrusive === true,
    byHand: one.byHand(target).replaceAll(EXAMPLE_FILE, () => file),
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
