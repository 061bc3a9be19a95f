import { ERROR_CODES } from '../wire/errors.ts'

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ERROR_CODES).map(([name, number]) => [number, name.toLowerCase()]),
)

/** The label of an error number of the protocol; numbers that it does not have are `other`. */
export function codeLabel(number: number): string {
  return NAMES.get(number) ?? 'other'
}

/** Every value of the label, so that a series is there, at 0, before the first refusal. */
export const CODE_LABELS: readonly string[] = [...NAMES.values()].filter((name) => name !== 'ok')
