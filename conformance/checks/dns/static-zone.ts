import type { Target } from '../../suite/target.ts'
import {
  ID0_SAMPLES,
  IP4_SAMPLES,
  IP6_LENIENT_SAMPLES,
  IP6_SAMPLES,
  IP6_ZERO_SAMPLES,
} from './samples.ts'

/** Whether a server holds some names that were written down, and computes none. */
export function isStatic({ capabilities }: Target): boolean {
  return capabilities.includes('static-zone')
}

export interface StaticZoneInit {
  /** Without a dot at its end. */
  readonly zone: string
  /** Of the name server `ns1`. */
  readonly address: string
}

/** How many values the challenge names of a static zone have; `checkedChallenges` asks for one of these. */
export const STATIC_CHALLENGE_COUNTS = [1, 3, 14] as const

/**
 * A zone file with all names that the checks ask a server for that computes none: with it, the checks can be checked
 * on any DNS server.
 */
export function staticZoneFile({ zone, address }: StaticZoneInit): string {
  const lines = [
    `$ORIGIN ${zone}.`,
    '@ 60 IN SOA ns1 hostmaster 1 14400 3600 1209600 10',
    '@ 3600 IN NS ns1',
    '@ 3600 IN CAA 0 issue "pebble.letsencrypt.org"',
    `ns1 3600 IN ${address.includes(':') ? 'AAAA' : 'A'} ${address}`,
    ...IP4_SAMPLES.map(({ label, text }) => `${label} 36000 IN A ${text}`),
    ...[...IP6_SAMPLES, ...IP6_ZERO_SAMPLES, ...IP6_LENIENT_SAMPLES].map(
      ({ label, text }) => `${label} 36000 IN AAAA ${text}`,
    ),
    ...Object.values(ID0_SAMPLES).map(({ label, text }) => `${label} 36000 IN TXT ${text}`),
    ...STATIC_CHALLENGE_COUNTS.flatMap((count) =>
      staticChallengeValues(count).flatMap((value) =>
        ['', '.below'].map(
          (below) => `_acme-challenge.${staticChallengeLabel(count)}${below} 10 IN TXT "${value}"`,
        ),
      ),
    ),
  ]
  return `${lines.join('\n')}\n`
}

export function staticChallengeLabel(count: number): string {
  return `challenge-${count}`
}

/** Of the length and the letters that values of dns-01 have (RFC 8555 §8.4). */
export function staticChallengeValues(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `value-${index}-`.padEnd(43, 'v'))
}
