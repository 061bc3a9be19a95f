// Known failures: a file that lives with the implementation under test, and says which verdicts are no news.
import { z } from 'zod'
import type { Verdict } from './case.ts'
import { readJson, UsageError } from './problems.ts'
import { VERDICTS } from './verdicts.ts'

/** By the id of a requirement or a case. */
export type Expectations = ReadonlyMap<string, Verdict>

const schema = z.record(z.string(), z.enum(VERDICTS, { error: `one of ${VERDICTS.join(', ')}` }), {
  error: 'an object of ids and verdicts, such as {"NT-DNS-030": "fail"}',
})

/**
 * Reads a file of known failures.
 * @throws {UsageError} with every mistake, ids that nobody has among them
 */
export async function readExpectations(
  file: string,
  known: { readonly requirements: ReadonlySet<string>; readonly cases: ReadonlySet<string> },
): Promise<Expectations> {
  const expectations = new Map(Object.entries(await readJson(file, schema)))
  const unknown = [...expectations.keys()].filter(
    (id) => !known.requirements.has(id) && !known.cases.has(id),
  )
  if (unknown.length > 0) {
    throw new UsageError(
      `${file}: ${unknown.map((id) => `"${id}"`).join(', ')} ${unknown.length === 1 ? 'is' : 'are'} neither a requirement nor a case: the command "list" shows them all`,
    )
  }
  return expectations
}

/** The verdict that is foretold for a case; what is said of the case itself counts more. */
export function expected(expectations: Expectations, caseId: string): Verdict | undefined {
  return expectations.get(caseId) ?? expectations.get(caseId.split('/')[0] ?? '')
}

/** What was foretold and has become better: those entries can go. */
export function overtaken(
  expectations: Expectations,
  results: readonly { readonly id: string; readonly verdict: Verdict }[],
): readonly string[] {
  return [...expectations].flatMap(([id, foretold]) => {
    const judged = results.filter(
      (one) => (one.id === id || one.id.startsWith(`${id}/`)) && one.verdict !== 'unsupported',
    )
    const better = ({ verdict }: { readonly verdict: Verdict }): boolean =>
      verdict !== 'inconclusive' && badness(verdict) < badness(foretold)
    return judged.length > 0 && judged.every(better) ? [id] : []
  })
}

/** From what is best; what could not be judged, or was not run, was no better than a failure. */
const FROM_BEST: readonly Verdict[] = ['pass', 'info', 'nonstrict']

function badness(verdict: Verdict): number {
  const place = FROM_BEST.indexOf(verdict)
  return place === -1 ? FROM_BEST.length : place
}
