// Which names may be ordered: as Pebble has it, or as Boulder's policy has it (its policy/pa.go).
import { isIP } from 'node:net'
import type { Settings } from './options.ts'
import { Problem, subproblem, type ProblemType } from './problems.ts'

const NAME_LENGTH_MAX = 253
const LABEL_LENGTH_MAX = 63
const PUBLIC_LABELS_MAX = 10

type NameSettings = Pick<Settings, 'namePolicy' | 'publicSuffixes' | 'blockedNames' | 'namesMax'>

/** The names of a new order in lower case, each once. @throws {Problem} */
export function readNames(identifiers: unknown, settings: NameSettings): readonly string[] {
  if (!Array.isArray(identifiers) || identifiers.length === 0) {
    throw new Problem('malformed', 'Order did not specify any identifiers')
  }
  const names = new Set<string>()
  for (const identifier of identifiers as readonly unknown[]) {
    const { type, value } = (identifier ?? {}) as {
      readonly type?: unknown
      readonly value?: unknown
    }
    // RFC 8738 addresses are validated by http-01 and tls-alpn-01 only, which this CA has not.
    if (type !== 'dns') {
      throw new Problem(
        'unsupportedIdentifier',
        `Order included unsupported type identifier: type ${JSON.stringify(type)}`,
      )
    }
    if (typeof value !== 'string') throw new Problem('malformed', 'identifier value is not a text')
    names.add(value.toLowerCase())
  }
  if (names.size > settings.namesMax) {
    throw new Problem(
      'malformed',
      `Order has ${names.size} identifiers, at most ${settings.namesMax} are allowed`,
    )
  }
  const refusals = [...names].flatMap((name) => {
    const refusal = nameRefusal(name, settings)
    return refusal === undefined ? [] : [{ name, ...refusal }]
  })
  const [first] = refusals
  if (first === undefined) return [...names]
  const others = refusals.length - 1
  throw new Problem(
    first.type,
    `Cannot issue for "${first.name.slice(0, NAME_LENGTH_MAX)}": ${first.detail}${
      others === 0 ? '' : ` (and ${others} more problems. Refer to sub-problems.)`
    }`,
    { subproblems: refusals.map(({ type, detail, name }) => subproblem(type, detail, name)) },
  )
}

/** The registered domain that limits count by: one label more than its public suffix. */
export function registeredDomain(name: string, suffixes: readonly string[]): string {
  const labels = name.replace(/^\*\./, '').split('.')
  return labels.slice(-(suffixLength(labels, suffixes) + 1)).join('.')
}

interface NameRefusal {
  readonly type: ProblemType
  readonly detail: string
}

function nameRefusal(name: string, settings: NameSettings): NameRefusal | undefined {
  const syntax = syntaxProblem(name)
  if (syntax !== undefined) return { type: 'malformed', detail: syntax }
  const base = name.replace(/^\*\./, '')
  if (settings.blockedNames.some((blocked) => base === blocked || base.endsWith(`.${blocked}`))) {
    return {
      type: 'rejectedIdentifier',
      detail: 'The ACME server refuses to issue a certificate for this domain name, by policy',
    }
  }
  return settings.namePolicy === 'public' ? publicProblem(base, settings.publicSuffixes) : undefined
}

/** What Pebble refuses too. */
function syntaxProblem(name: string): string | undefined {
  if (name === '') return 'Domain name is empty'
  if (!/^[a-z0-9.*-]+$/.test(name)) return 'Domain name contains an invalid character'
  if (name.length > NAME_LENGTH_MAX) {
    return `Domain name is longer than ${NAME_LENGTH_MAX} characters`
  }
  if (isIP(name) !== 0) return 'Domain name is an IP address'
  if (name.endsWith('.')) return 'Domain name ends in a period'
  const wildcards = name.split('*').length - 1
  if (wildcards > 1) return 'Domain name has more than one wildcard'
  if (wildcards === 1 && !name.startsWith('*.')) return 'the wildcard is not the leftmost label'
  return undefined
}

/** What Let's Encrypt refuses beside that. */
function publicProblem(name: string, suffixes: readonly string[]): NameRefusal | undefined {
  const labels = name.split('.')
  const malformed = (detail: string): NameRefusal => ({ type: 'malformed', detail })
  if (labels.length < 2) return malformed('Domain name needs at least one dot')
  if (labels.length > PUBLIC_LABELS_MAX) {
    return malformed(`Domain name has more than ${PUBLIC_LABELS_MAX} labels (parts)`)
  }
  for (const label of labels) {
    if (label === '') return malformed('Domain name can not have two dots in a row')
    if (label.length > LABEL_LENGTH_MAX) {
      return malformed(`Domain name contains a label longer than ${LABEL_LENGTH_MAX} characters`)
    }
    if (label.startsWith('-') || label.endsWith('-')) {
      return malformed('Domain name contains a label that begins or ends with a hyphen')
    }
    // Hyphens at positions 3 and 4 are for A-labels alone.
    if (/^..--/.test(label) && !label.startsWith('xn--')) {
      return malformed('Domain name contains an invalid label in a reserved format (R-LDH: "??--")')
    }
  }
  const length = suffixLength(labels, suffixes)
  if (length === 0) {
    return {
      type: 'rejectedIdentifier',
      detail: 'Domain name does not end with a valid public suffix (TLD)',
    }
  }
  return length < labels.length
    ? undefined
    : { type: 'rejectedIdentifier', detail: 'Domain name is a public suffix itself' }
}

/** How many labels of a name are its public suffix; every last label is one where nobody lists them. */
function suffixLength(labels: readonly string[], suffixes: readonly string[]): number {
  if (suffixes.length === 0) return 1
  for (let length = labels.length; length > 0; length--) {
    if (suffixes.includes(labels.slice(-length).join('.'))) return length
  }
  return 0
}
