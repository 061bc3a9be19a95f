// How checks are named on a command line: the same words for every command that takes them.
import type { Role } from './case.ts'
import { nearestNames } from './nearest.ts'
import { UsageError } from './usage-error.ts'

export const ROLES: readonly Role[] = ['proof', 'issue', 'dns', 'dns01', 'discovery', 'client']

/** For the help of commands; README.md says the same at more length. */
export const SELECTORS =
  'roles (dns/*), families (NT-DNS), requirements (NT-DNS-017) or checks (NT-DNS-017/*)'

/** A requirement or a check. */
export interface Selectable {
  readonly id: string
  readonly role: string
}

/**
 * What a word names. Capitals do not matter, and * stands for any letters of an id.
 * @throws {UsageError} where it can name nothing
 */
export function selector(word: string): (one: Selectable) => boolean {
  const role = ROLES.find((name) => [name, `${name}/*`].includes(word.toLowerCase()))
  if (role !== undefined) return (one) => one.role === role
  if (!/^NT-[A-Z0-9*]+(-[\d*]+)?(\/[a-z0-9*-]+)?$/i.test(word)) {
    throw new UsageError(
      `"${word}" selects nothing, wanted a family (NT-DNS), a requirement (NT-DNS-017), a check (NT-DNS-017/…) or a role (${ROLES.map((name) => `${name}/*`).join(', ')})`,
    )
  }
  const pattern = RegExp.escape(word).replaceAll(String.raw`\*`, '.*')
  // An id ends where another begins: NT-DNS is not NT-DNS01. That of a check is whole.
  const expression = new RegExp(`^${pattern}${word.includes('/') ? '$' : '(?:[-/]|$)'}`, 'i')
  return ({ id }) => expression.test(id)
}

/** For a word that names none of these: with what is written most alike, among what is as long as it. */
export function namesNothing(word: string, all: readonly Selectable[]): string {
  const parts = word.includes('/') ? /.*\/.*/ : /-\d+$/.test(word) ? /^[^/]*/ : /^NT-[^-]+/
  const requirement = word.toUpperCase().replace(/[^/]*$/, '')
  const within = all.filter(({ id }) => requirement !== '' && id.startsWith(requirement))
  const names = new Set(
    (within.length > 0 ? within : all).flatMap(({ id }) => parts.exec(id)?.[0] ?? []),
  )
  return `"${word}" names no check here, the nearest are ${nearestNames(word, [...names]).join(', ')}`
}
