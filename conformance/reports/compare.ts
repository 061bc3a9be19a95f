// Several reports as one table: requirements and cases down, targets across.
import type { Level, Role, Verdict } from '../suite/case.ts'
import { requirementOf } from '../suite/selection.ts'
import type { ReportedLeftOut } from './left-out.ts'
import type { ReportedCase, ReportedRequirement, RunReport } from './report.ts'

/** A requirement, with what its cases gave at each target. */
export interface ComparedRequirement {
  readonly id: string
  /** Links lead to the first of those with this id: a requirement may be one of several roles. */
  readonly first: boolean
  readonly role: Role
  readonly facts: ReportedRequirement | undefined
  readonly cases: readonly ComparedCase[]
  readonly verdicts: readonly Verdict[]
  readonly perTarget: readonly (Verdict | undefined)[]
}

export interface ComparedCase {
  readonly id: string
  readonly title: string
  readonly role: Role
  readonly level: Level
  /** In the order of the targets; undefined where it was not run. */
  readonly results: readonly (ReportedCase | undefined)[]
  /** Why it was not, as far as a report says so. */
  readonly leftOut: readonly (ReportedLeftOut | undefined)[]
}

/** The same cases of all reports beside one another; a report may lack some. */
export function compare(reports: readonly RunReport[]): readonly ComparedRequirement[] {
  const facts = new Map<string, ReportedRequirement>(
    reports.flatMap(({ requirements }) => requirements.map((one) => [one.id, one] as const)),
  )
  const ids = [
    ...new Set(
      reports.flatMap(({ results, leftOut }) => [...results, ...leftOut].map(({ id }) => id)),
    ),
  ]
  const rows = ids.toSorted().flatMap((id) => {
    const results = reports.map((report) => report.results.find((one) => one.id === id))
    const leftOut = reports.map((report) => report.leftOut.find((one) => one.id === id))
    const first = [...results, ...leftOut].find((one) => one !== undefined)
    return first === undefined ? [] : [{ ...identity(first), results, leftOut }]
  })
  const groups = Map.groupBy(rows, ({ role, requirement }) => `${role} ${requirement}`)
  const compared = [...groups.values()].flatMap((cases) => {
    const [first] = cases
    if (first === undefined) return []
    const all = cases.flatMap(({ results }) => results.flatMap((one) => one?.verdict ?? []))
    const perTarget = reports.map((_, index) =>
      worst(cases.flatMap(({ results }) => results[index]?.verdict ?? [])),
    )
    return [
      {
        id: first.requirement,
        role: first.role,
        facts: facts.get(first.requirement),
        cases,
        verdicts: all,
        perTarget,
      },
    ]
  })
  return compared.map((one) => ({
    ...one,
    first: compared.find(({ id }) => id === one.id) === one,
  }))
}

function identity({ id, title, role, level }: ReportedCase | ReportedLeftOut) {
  return { id, requirement: requirementOf({ id }), title, role, level }
}

/** From the one that matters most. */
const WEIGHT: readonly Verdict[] = [
  'fail',
  'inconclusive',
  'nonstrict',
  'info',
  'pass',
  'unsupported',
]

/** What several checks come to; undefined for none. */
function worst(verdicts: readonly Verdict[]): Verdict | undefined {
  return WEIGHT.find((verdict) => verdicts.includes(verdict))
}
