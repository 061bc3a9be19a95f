/** The protocol ids of PROTOCOL.md, section 1. */
export const PROTOCOLS = {
  proof: '/p2p/nodetrust/proof/1.0.0',
  info: '/p2p/nodetrust/issue/info/1.0.0',
  issue: '/p2p/nodetrust/issue/1.0.0',
  renewal: '/p2p/nodetrust/issue/renewal/1.0.0',
  dns01: '/p2p/nodetrust/dns-01/1.0.0',
  dns01Remove: '/p2p/nodetrust/dns-01/remove/1.0.0',
} as const

/** On pubsub: what is published on, and how the specification of 2018 spells it (NT-DISC-002). */
export const TOPICS = {
  deployed: '_nodetrust_discovery_v2',
  specification: 'nodetrust_discovery_v2',
} as const

/** The `error` field. */
export const ERRORS = {
  OK: 0,
  RATE_LIMIT: 1,
  INVALID_PROOF: 2,
  NOT_AUTHORIZED: 3,
  NO_MATCHING_CRYPTO: 4,
  OTHER: 9,
} as const

/** A code as people read it: `2 (E_INVALID_PROOF)`. */
export function errorText(code: number): string {
  const name = Object.entries(ERRORS).find(([, number]) => number === code)?.[0]
  return `${code} (${name === undefined ? 'unknown' : name === 'OK' ? name : `E_${name}`})`
}

export const CRYPTO = { RSA: 1, ECDSA_P256: 2 } as const

export const ADDRESS_TYPE = { IPv4: 1, IPv6: 2 } as const

/** How long a proof counts, before and after its timestamp. */
export const PROOF_AGE_MS_MAX = 300_000
