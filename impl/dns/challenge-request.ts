import type { DNS01Request } from '../wire/messages.ts'
import { LABEL_LENGTH_MAX } from '../wire/names.ts'
import { CHALLENGE_LABEL } from '../wire/protocols.ts'
import type { Challenge } from './challenges.ts'

/** What a request asks for, or why it cannot be. */
export type ChallengeVerdict =
  | { readonly kind: 'challenge'; readonly challenge: Challenge }
  | {
      readonly kind: 'refused'
      readonly code: 'NOT_AUTHORIZED' | 'OTHER'
      readonly reason: string
    }

/** With the prefix, and as text: RFC 1035 §2.3.4 in bytes is two more. */
const NAME_LENGTH_MAX = 253 - `${CHALLENGE_LABEL}.`.length
/** Public CAs certify no deeper name (NT-ISSUE-026), and each label of one costs memory here. */
const LABELS_MAX = 10
/** base64url of a SHA-256 hash (RFC 8555 §8.4). */
const VALUE_PATTERN = /^[A-Za-z0-9_-]{43}$/
const LABEL_PATTERN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
/** How much of a stranger's text goes into a message. */
const SHOWN_LENGTH_MAX = 80

/**
 * Judges the name and value of a request: the bare name, case and one trailing dot aside, has to lie in the zone or
 * be it (NT-DNS01-002, 004, 005, 006, 010).
 */
export function parseChallenge(request: DNS01Request, zone: string): ChallengeVerdict {
  const name = request.fqdn.toLowerCase().replace(/\.$/, '')
  // Beyond ASCII there are letters whose lower case lies within it.
  const ascii = /^[\x21-\x7e]*$/.test(request.fqdn)
  if (!ascii || (name !== zone && !name.endsWith(`.${zone}`))) {
    return refused('NOT_AUTHORIZED', `${shown(request.fqdn)} is not in the zone "${zone}"`)
  }
  const labels = name.split('.')
  if (labels.includes(CHALLENGE_LABEL) || labels.includes('*')) {
    // Prefixing it once more would store what no CA ever asks for.
    return refused('OTHER', `${shown(request.fqdn)} is not a bare name, wanted one to certify`)
  }
  const valid =
    name.length <= NAME_LENGTH_MAX &&
    labels.every((label) => label.length <= LABEL_LENGTH_MAX && LABEL_PATTERN.test(label))
  if (!valid) {
    return refused(
      'NOT_AUTHORIZED',
      `${shown(request.fqdn)} is no host name of at most ${NAME_LENGTH_MAX} characters`,
    )
  }
  if (labels.length > Math.max(LABELS_MAX, zone.split('.').length + 1)) {
    return refused('OTHER', `${shown(request.fqdn)} has more than ${LABELS_MAX} labels`)
  }
  if (!VALUE_PATTERN.test(request.value)) {
    return refused('OTHER', `value ${shown(request.value)} is not 43 characters of base64url`)
  }
  return { kind: 'challenge', challenge: { name, value: request.value } }
}

function refused(code: 'NOT_AUTHORIZED' | 'OTHER', reason: string): ChallengeVerdict {
  return { kind: 'refused', code, reason }
}

/** Escaped first and cut then: one byte of a stranger's can become six characters. */
function shown(text: string): string {
  const escaped = JSON.stringify(text.slice(0, SHOWN_LENGTH_MAX))
  return escaped.length > SHOWN_LENGTH_MAX ? `${escaped.slice(0, SHOWN_LENGTH_MAX)}…` : escaped
}
