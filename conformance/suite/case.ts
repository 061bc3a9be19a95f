// What a check is. Everything else of the suite reads or runs these.
import type { Caller } from '../players/caller.ts'
import type { Limits } from './rate-limits.ts'
import type { Target } from './target.ts'
import type { WireLog } from './wire-log.ts'

export type Level = 'MUST' | 'SHOULD' | 'MAY'

/** Whose behaviour a case looks at. `discovery` is done by servers and clients alike. */
export type Role = 'proof' | 'issue' | 'dns' | 'dns01' | 'client' | 'discovery'

/**
 * `nonstrict`: conforms, but misses a SHOULD or takes a tolerated alternative. `info`: nothing to judge, something to
 * know. `unsupported`: the target does not claim it. `inconclusive`: the target could not be reached, or something
 * that is not the target's fault broke off the check.
 */
export type Verdict = 'pass' | 'fail' | 'nonstrict' | 'info' | 'unsupported' | 'inconclusive'

/** What a target may or may not have. A case that needs one that is missing is `unsupported` and never `fail`. */
export const CAPABILITIES = [
  /** Reached over IPv6 as well. */
  'ipv6',
  /** Runs in a test network: certifies loopback and private addresses. */
  'private-addresses',
  /** The suite may play the proof server that the issue server trusts. */
  'played-proof-server',
  /** The suite may play a DNS server that the issue server writes to. */
  'played-dns-server',
  /** The suite may stand between the issue server and its CA. */
  'played-ca',
  /** The suite has the key of a peer that may set challenges. */
  'dns-writer',
  /** Certificate signing requests in IssueRequest (field 16). */
  'csr',
  /** dns-01 removal, an extension of this project. */
  'dns01-remove',
  /** Names that need no dns-01 protocol only: a static zone, as NSD, BIND and Knot have. */
  'static-zone',
] as const
export type Capability = (typeof CAPABILITIES)[number]

/** Types of peers' keys. */
export const KEY_TYPES = ['Ed25519', 'RSA', 'secp256k1'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** What a case found, when that is not simply `pass`. */
export interface Finding {
  readonly verdict: Exclude<Verdict, 'fail'>
  /** A sentence with the values that were seen. */
  readonly reason: string
}

/** Thrown by a case whose target does not do what the requirement says. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure'
  /** What the requirement wants, in its words. */
  readonly expected: string
  /** What was seen, with the values. */
  readonly actual: string
  /** Lines for a shell that ask just this, where the case asks many things. @default those of the case */
  readonly byHand: string | undefined

  constructor({
    expected,
    actual,
    byHand,
  }: {
    readonly expected: string
    readonly actual: string
    readonly byHand?: string | undefined
  }) {
    super(`expected ${expected}, got ${actual}`)
    this.expected = expected
    this.actual = actual
    this.byHand = byHand
  }
}

/** What a case works with. All that it opens it hands to `defer`. */
export interface CheckContext {
  readonly target: Target
  /** Aborted at the case's deadline, or when the run is ended. */
  readonly signal: AbortSignal
  /** Evidence: every message that is sent or received goes here. */
  readonly wire: WireLog
  /** In [0, 1); the same for each run with the same `--seed`. */
  readonly random: () => number
  /**
   * Resolves when the next exchange may begin: the run is bounded in how many it makes a second. Before each one; the
   * deadline stands still meanwhile.
   */
  readonly pace: () => Promise<void>
  /**
   * Waits for servers that say E_RATE_LIMIT, which is for no check to judge that has not asked for it; the deadline
   * stands still meanwhile.
   */
  readonly limits: Limits
  /** Closes in reverse order when the case ends, however it ends. */
  readonly defer: (close: () => unknown) => void
  /**
   * Made by the first case that asks and closed after the last: a libp2p node, a played server. What is recorded in the
   * log that `make` gets is evidence for each case that asks, whenever it does.
   */
  readonly shared: <T>(key: string, make: (wire: WireLog) => Promise<Shared<T>>) => Promise<T>
}

export interface Shared<T> {
  readonly value: T
  readonly close: () => Promise<void>
}

/** One check of one requirement. */
export interface Case {
  /** The requirement and a slug, such as `NT-DNS-017/query-in-mixed-case`. Permanent: never renamed, never reused. */
  readonly id: string
  /** What a conforming implementation does, as a sentence. */
  readonly title: string
  readonly role: Role
  /** The requirement's own level when left out. */
  readonly level?: Level
  readonly needs?: readonly Capability[]
  /** The server is called by a peer with such a key. @default any type that the target knows */
  readonly keyType?: KeyType
  /** Could disturb a public server: runs only with `--intrusive`. */
  readonly intrusive?: true
  /** Takes minutes: runs only where it, or its requirement, is named, and in `self`. */
  readonly slow?: true
  /** Runs while no other case does: it disturbs them, or they would disturb it. Intrusive ones are the last of a run. */
  readonly alone?: true
  /** @default 15_000 */
  readonly timeoutMs?: number
  /**
   * The IssueRequest that it sends as this peer and judges the answer of: `send --request-of` sends it for people, as
   * proofs are of who sends them and of the time.
   */
  readonly request?: (context: CheckContext, caller: Caller) => Promise<Uint8Array>
  /**
   * How to see it without the suite's judgement: lines for a shell, which send what the check sends and print what
   * comes, with comments that say what to see. Where that cannot be, the first line says why.
   */
  readonly byHand: (target: Target) => string
  /** Returns for `pass`; throws CheckFailure for `fail`; what else is thrown is `inconclusive`. */
  readonly run: (context: CheckContext) => Promise<Finding | void>
}
