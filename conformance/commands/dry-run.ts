import type { Case } from '../suite/case.ts'
import { levelOf } from '../suite/catalogue.ts'
import { missingPart } from '../suite/support.ts'
import type { Target } from '../suite/target.ts'
import { counted } from '../suite/words.ts'
import { jsonText } from './io.ts'

/** What a run would do, without doing it. */
export function dryRunText(
  cases: readonly Case[],
  target: Target,
  { json }: { readonly json: boolean },
): string {
  const rows = cases.map((one) => ({
    id: one.id,
    role: one.role,
    level: levelOf(one),
    title: one.title,
    unsupported: missingPart(one, target),
  }))
  if (json) return jsonText(rows)
  const lines = rows.map(({ id, level, unsupported }) =>
    unsupported === undefined ? `${id}  ${level}` : `${id}  ${level}  unsupported: ${unsupported}`,
  )
  const runnable = rows.filter(({ unsupported }) => unsupported === undefined).length
  return `${[...lines, `${counted(runnable, 'check')} would run, ${rows.length - runnable} would not apply`].join('\n')}\n`
}
