// The names and numbers that both ends of a connection must agree on.

/** Asks a proof server for a signed statement of the caller's observed address. */
export const PROOF_PROTOCOL = '/p2p/nodetrust/proof/1.0.0'

/** Asks an issue server for its zone and the proof servers that it trusts. */
export const ISSUE_INFO_PROTOCOL = '/p2p/nodetrust/issue/info/1.0.0'

/** Asks an issue server for a certificate. */
export const ISSUE_PROTOCOL = '/p2p/nodetrust/issue/1.0.0'

/**
 * Asks an issue server when one of the caller's certificates should be renewed. Ours: a protocol of its own, because
 * the question costs the server one look into its store, and a request for a certificate may cost an order.
 */
export const RENEWAL_PROTOCOL = '/p2p/nodetrust/issue/renewal/1.0.0'

/** Sets one challenge value at a DNS server. */
export const DNS01_PROTOCOL = '/p2p/nodetrust/dns-01/1.0.0'

/**
 * Removes one challenge value at a DNS server: the same two messages as {@link DNS01_PROTOCOL}.
 * A protocol of its own and not a field in the request, because a server of 2018 skips fields that it
 * does not know and would take the removal for a request to set the value again (NT-ISSUE-038).
 */
export const DNS01_REMOVE_PROTOCOL = '/p2p/nodetrust/dns-01/remove/1.0.0'

/** What every deployed peer published on, although its specification spells it otherwise (NT-DISC-002). */
export const DISCOVERY_TOPIC = '_nodetrust_discovery_v2'

/** The same topic as the specification of 2018 spells it. */
export const DISCOVERY_TOPIC_SPECIFICATION = 'nodetrust_discovery_v2'

/** The label under which a CA looks for a dns-01 value (RFC 8555 §8.4). */
export const CHALLENGE_LABEL = '_acme-challenge'

/** Longest message that a server reads: 64 KiB, the least that NT-WIRE-006 allows. */
export const SERVER_FRAME_LENGTH_MAX = 64 * 1024

/** Longest message that a client reads: an answer carries two certificate chains (NT-WIRE-006). */
export const CLIENT_FRAME_LENGTH_MAX = 1024 * 1024

/** Total time for reading one request or for waiting for one answer, in ms (NT-WIRE-009, NT-CLIENT-004). */
export const REQUEST_TIMEOUT_MS = 10_000

/** How long a proof is valid, in ms, before and after its timestamp (NT-ISSUE-011, NT-ISSUE-012). */
export const PROOF_AGE_MS_MAX = 300_000

/** Proofs in one request, and addresses in one proof: an issue server refuses more (NT-ISSUE-035). */
export const REQUEST_PROOFS_MAX = 16
export const PROOF_ADDRESSES_MAX = 8

/** How long a challenge value is served unless it is set again, in ms (NT-DNS01-008). */
export const CHALLENGE_LIFETIME_MS = 120_000

/** Key types of a certificate, as `supportedCryptos` and `cryptoType` number them. */
export const CRYPTO = {
  RSA: 1,
  /** Ours: only in answers to a request with a CSR, so no peer of 2018 ever reads it. */
  ECDSA_P256: 2,
} as const

/** Address types of a proof. */
export const ADDRESS_TYPE = { IPv4: 1, IPv6: 2 } as const
