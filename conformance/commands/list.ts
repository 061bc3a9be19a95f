import { levelOf, namedRequirements } from '../suite/catalogue.ts'
import type { Case } from '../suite/case.ts'
import { counted } from '../suite/words.ts'
import { jsonText, type CommandIo } from './io.ts'

export interface ListWords {
  readonly json?: boolean
}

/** `list`: requirements with their checks, those that no check can see among them. */
export function list(selectors: readonly string[], words: ListWords, io: CommandIo): void {
  const rows = namedRequirements(selectors).map(({ requirement, cases }) => ({
    id: requirement.id,
    title: requirement.title,
    level: requirement.level,
    role: requirement.role,
    ...(requirement.unchecked === undefined ? {} : { unchecked: requirement.unchecked }),
    cases: cases.map((one) => ({
      id: one.id,
      title: one.title,
      role: one.role,
      level: levelOf(one),
      needs: needsOf(one),
      intrusive: one.intrusive === true,
    })),
  }))
  if (words.json === true) {
    io.write(jsonText(rows))
    return
  }
  const lines = rows.flatMap(({ id, title, level, unchecked, cases }) => [
    `${id}  ${level.padEnd(6)}  ${title}`,
    ...cases.map((one) => `    ${one.id.slice(id.length + 1)}${marks(one, level)}`),
    ...(unchecked === undefined ? [] : [`    no check: ${unchecked}`]),
  ])
  const checks = rows.reduce((sum, { cases }) => sum + cases.length, 0)
  io.write(
    `${lines.join('\n')}\n${counted(rows.length, 'requirement')}, ${counted(checks, 'check')}\n`,
  )
}

/** Capabilities, and the key type of a peer where it matters. */
export function needsOf({ needs = [], keyType }: Case): readonly string[] {
  return [...needs, ...(keyType === undefined || keyType === 'Ed25519' ? [] : [`${keyType} keys`])]
}

function marks(
  one: { readonly level: string; readonly needs: readonly string[]; readonly intrusive: boolean },
  level: string,
): string {
  const words = [
    ...(one.level === level ? [] : [one.level]),
    ...(one.intrusive ? ['intrusive'] : []),
    ...(one.needs.length === 0 ? [] : [`needs ${one.needs.join(', ')}`]),
  ]
  return words.length === 0 ? '' : `  (${words.join('; ')})`
}
