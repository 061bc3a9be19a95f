import { CHALLENGE_LABEL } from '../wire/protocols.ts'

/** RFC 1035 §2.3.4 in text form. */
const NAME_LENGTH_MAX = 253
const LABEL_LENGTH_MAX = 63
/** Boulder's policy/pa.go refuses more, and fewer. */
const LABELS_MAX = 10
const LABELS_MIN = 2
/** Names in one certificate of the classic profile; others allow fewer. */
const NAMES_MAX = 100
/** `_acme-challenge.<name>` is looked up too, so it must itself be a name: 253 - 16. */
const DNS01_NAME_LENGTH_MAX = NAME_LENGTH_MAX - CHALLENGE_LABEL.length - 1

/**
 * Why a public CA would refuse to certify these names, or `undefined` when it would not (NT-ISSUE-026).
 *
 * These are Boulder's rules (policy/pa.go). Pebble knows none of them, so an order that Pebble accepts proves nothing.
 * Left out is the Public Suffix List: whether the zone is below a public suffix is for its operator to know, and
 * the CA's answer to the first order.
 */
export function refusedNames(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'there is no name to certify'
  if (names.length > NAMES_MAX) return `${names.length} names, at most ${NAMES_MAX} are allowed`
  for (const name of names) {
    const reason = refusedName(name)
    if (reason !== undefined) return `name "${name.slice(0, NAME_LENGTH_MAX)}" ${reason}`
  }
  return undefined
}

function refusedName(name: string): string | undefined {
  if (name.length > DNS01_NAME_LENGTH_MAX) {
    return `is ${name.length} characters long, at most ${DNS01_NAME_LENGTH_MAX} leave room for its challenge`
  }
  const labels = name.split('.')
  if (labels.length > LABELS_MAX || labels.length < LABELS_MIN) {
    return `has ${labels.length} labels, wanted ${LABELS_MIN} to ${LABELS_MAX}`
  }
  for (const label of labels) {
    const reason = refusedLabel(label)
    if (reason !== undefined) return `has the label "${label}", which ${reason}`
  }
  return undefined
}

function refusedLabel(label: string): string | undefined {
  if (label.length === 0) return 'is empty'
  if (label.length > LABEL_LENGTH_MAX) {
    return `is ${label.length} characters long, at most ${LABEL_LENGTH_MAX} are allowed`
  }
  // Lower case only: some CAs keep the case of an order in the certificate (NT-ISSUE-023).
  if (!/^[a-z0-9-]+$/.test(label)) return 'has characters other than a-z, 0-9 and the hyphen'
  if (label.startsWith('-') || label.endsWith('-')) return 'begins or ends with a hyphen'
  if (label.slice(2, 4) === '--' && !label.startsWith('xn--')) {
    return 'has hyphens in places 3 and 4, which only an international name (xn--) may'
  }
  return undefined
}
