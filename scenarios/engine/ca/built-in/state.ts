// All that a CA knows. It is one object, made when the CA starts: one that was killed and starts again knows nothing.
import type { JWK } from 'jose'
import type { Authority } from './authority.ts'
import { BoundedMap } from './bounded-map.ts'
import { LimitState } from './buckets.ts'
import { Nonces } from './nonces.ts'
import type { Settings } from './options.ts'
import type { ProblemDocument } from './problems.ts'

const ACCOUNTS_MAX = 10_000
const ORDERS_MAX = 100_000
const CERTIFICATES_MAX = 100_000

export interface Account {
  readonly id: string
  key: JWK
  /** RFC 7638: tells keys apart, and is half of each key authorization. */
  thumbprint: string
  status: 'valid' | 'deactivated'
  contact: readonly string[]
  readonly externalAccountBinding: unknown
  /** Ids, oldest first. */
  readonly orders: string[]
}

export interface Order {
  readonly id: string
  readonly accountId: string
  /** In lower case, each once. */
  readonly names: readonly string[]
  readonly authorizationIds: readonly string[]
  readonly expiresMs: number
  readonly profile: string | undefined
  /** RFC 9773 section 5. */
  readonly replaces: string | undefined
  readonly notBefore: string | undefined
  readonly notAfter: string | undefined
  /** What it is spared of limits: `renewal` of two, `all` by RFC 9773. */
  readonly spared: 'nothing' | 'renewal' | 'all'
  /** What finalization made of it; before that its authorizations say what it is. */
  outcome: 'processing' | 'valid' | 'invalid' | undefined
  error: ProblemDocument | undefined
  certificateId: string | undefined
}

export interface Authorization {
  readonly id: string
  readonly accountId: string
  /** Without `*.`. */
  readonly name: string
  readonly wildcard: boolean
  readonly challenge: Challenge
  status: 'pending' | 'valid' | 'invalid' | 'deactivated'
  expiresMs: number
}

/** A dns-01 challenge (RFC 8555 section 8.4). */
export interface Challenge {
  readonly id: string
  readonly authorizationId: string
  readonly token: string
  status: 'pending' | 'processing' | 'valid' | 'invalid'
  validatedMs: number | undefined
  error: ProblemDocument | undefined
}

export interface IssuedCertificate {
  readonly id: string
  /** 32 lower case hex digits. */
  readonly serial: string
  readonly accountId: string
  readonly names: readonly string[]
  readonly der: Buffer
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** PEM, leaf first, one for each root. */
  readonly chains: readonly string[]
  revoked: { readonly atMs: number; readonly reason: number } | undefined
  /** The order that took its place. */
  replacedBy: string | undefined
}

export class CaState {
  /** What signs now. */
  authority: Authority
  /** Of all that has signed so far. */
  readonly keyIds: Set<string>
  readonly nonces: Nonces
  readonly limits = new LimitState()
  readonly accounts = new BoundedMap<Account>(ACCOUNTS_MAX)
  /** By thumbprint of their keys. */
  readonly accountsByKey = new BoundedMap<Account>(ACCOUNTS_MAX)
  readonly orders = new BoundedMap<Order>(ORDERS_MAX)
  readonly authorizations = new BoundedMap<Authorization>(ORDERS_MAX)
  readonly challenges = new BoundedMap<Challenge>(ORDERS_MAX)
  /** The newest valid authorization by account and name: see `reuseKey`. */
  readonly reusable = new BoundedMap<Authorization>(ORDERS_MAX)
  readonly certificates = new BoundedMap<IssuedCertificate>(CERTIFICATES_MAX)
  readonly certificatesBySerial = new BoundedMap<IssuedCertificate>(CERTIFICATES_MAX)
  /** Sets of names that were certified: another certificate for one is a renewal. */
  readonly certifiedSets = new BoundedMap<true>(CERTIFICATES_MAX)

  constructor(authority: Authority, { badNonces }: Pick<Settings, 'badNonces'>) {
    this.authority = authority
    this.keyIds = new Set([authority.keyId])
    this.nonces = new Nonces(badNonces)
  }
}

/** What every part of the CA works with. A killed CA's parts go on with one that nobody asks any more. */
export interface Ca {
  readonly settings: Settings
  readonly state: CaState
  /** Aborted when the CA is killed. */
  readonly signal: AbortSignal
  /** Resolves while the CA is not paused. */
  readonly awake: () => Promise<void>
  /** Says nothing after a kill. */
  readonly log: (line: string) => void
}

/** The same for the same names, whatever their order. */
export function nameSetKey(names: readonly string[]): string {
  return names.toSorted().join()
}

/** Where a valid authorization is found again: one for `*.name` is no one for `name`. */
export function reuseKey(accountId: string, name: string): string {
  return `${accountId} ${name}`
}
