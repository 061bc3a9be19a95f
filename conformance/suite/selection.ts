// Which cases a run takes: pure.
import type { Case, Level, Role } from './case.ts'
import { namesNothing, selector } from './selectors.ts'
import { UsageError } from './usage-error.ts'

export const LEVELS: readonly Level[] = ['MUST', 'SHOULD', 'MAY']

export interface SelectionOptions {
  /** None means all. */
  readonly selectors: readonly string[]
  readonly roles: readonly Role[]
  readonly levels: readonly Level[]
  readonly exclude: readonly string[]
  readonly intrusive: boolean
  /** Takes what takes minutes without being named, too. */
  readonly slow: boolean
  readonly levelOf: (one: Case) => Level
}

export interface Selection {
  readonly cases: readonly Case[]
  /** Chosen, and not run all the same. */
  readonly leftOut: readonly LeftOut[]
  /** What to say of selectors that name no case, where none of them does. */
  readonly nothing: readonly string[]
}

/** `disturbs`: could disturb a public server. `slow`: takes minutes, and no word named it alone, or its requirement. */
export interface LeftOut {
  readonly case: Case
  readonly why: 'disturbs' | 'slow'
}

/**
 * @throws {UsageError} where a selector is neither a part of an id nor a role, and where one that names no case stands
 * beside others that do: it would not be missed in the report
 */
export function select(all: readonly Case[], options: SelectionOptions): Selection {
  const chosen = options.selectors.map(selector)
  const excluded = options.exclude.map(selector)
  const naming = (words: readonly string[]): readonly string[] =>
    words.flatMap((word) => (all.some(selector(word)) ? [] : [namesNothing(word, all)]))
  const nothing = naming(options.selectors)
  const mistakes = [
    ...(nothing.length < options.selectors.length ? nothing : []),
    ...naming(options.exclude),
  ]
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'))
  const cases = all.filter(
    (one) =>
      (chosen.length === 0 || chosen.some((takes) => takes(one))) &&
      (options.roles.length === 0 || options.roles.includes(one.role)) &&
      (options.levels.length === 0 || options.levels.includes(options.levelOf(one))) &&
      !excluded.some((takes) => takes(one)),
  )
  const whyNot = (one: Case): LeftOut['why'] | undefined => {
    if (one.intrusive === true && !options.intrusive) return 'disturbs'
    if (one.slow !== true || options.slow) return undefined
    return chosen.some((takes) => takes(one) && isOneRequirement(all.filter(takes)))
      ? undefined
      : 'slow'
  }
  return {
    cases: cases.filter((one) => whyNot(one) === undefined),
    leftOut: cases.flatMap((one) => {
      const why = whyNot(one)
      return why === undefined ? [] : [{ case: one, why }]
    }),
    nothing,
  }
}

function isOneRequirement(cases: readonly Case[]): boolean {
  return new Set(cases.map(requirementOf)).size === 1
}

/** The requirement of a case. */
export function requirementOf({ id }: Pick<Case, 'id'>): string {
  return id.split('/')[0] ?? id
}
