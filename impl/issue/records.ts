import type { Certificate } from './certificates.ts'
import type { CertificateRequest } from './csr.ts'

// What the store holds, and how it is read from a row.

/** What one certificate is for: equal wants share one order and one certificate (NT-ISSUE-030, NT-ISSUE-031). */
export interface Want {
  readonly peer: string
  /** The id0 name first, then the address names. */
  readonly names: readonly string[]
  /** The key id of the client's own key, or `server` for a key that is made here. */
  readonly keyChoice: string
}

/**
 * Where an order stands: what is done already, so what a killed process can count on.
 * `valid` and `failed` are the end.
 */
export type OrderState =
  | 'created' // the CSR is made, the CA knows nothing yet
  | 'ordered' // the CA has the order
  | 'challenged' // the values are on the DNS servers
  | 'answered' // the CA was told to look
  | 'finalizing' // the CSR goes or went to the CA
  | 'valid'
  | 'failed'

/** A value that may stand on the DNS servers for an order. */
export interface ChallengeValue {
  readonly name: string
  readonly value: string
}

export interface StoredOrder extends Want {
  readonly id: number
  readonly state: OrderState
  readonly request: CertificateRequest
  readonly orderUrl: string | undefined
  readonly challenges: readonly ChallengeValue[]
  /** CA orders that were made for it, or begun. */
  readonly attempts: number
  readonly createdAt: number
  /** Whether a certificate for exactly these names was there when the order was made. */
  readonly renewal: boolean
}

/** A certificate that was issued, with its key when that was made here. */
export interface StoredCertificate extends Certificate {
  readonly cryptoType: number
  readonly key: string | undefined
  /** From when on the CA wants it renewed, in ms since 1970, where it has said so. */
  readonly renewFrom: number | undefined
}

export interface StoredAccount {
  /** PEM. */
  readonly key: string
  readonly url: string | undefined
}

/** The names of a want in one order, so that a set has one text: the id0 name, then the others sorted. */
export function canonicalNames([id0Name, ...others]: readonly string[]): readonly string[] {
  return id0Name === undefined ? [] : [id0Name, ...others.toSorted()]
}

/** Reads a row of the table orders. */
export function toOrder(row: Record<string, unknown>): StoredOrder {
  const key = maybeText(row['key'])
  return {
    id: Number(row['id']),
    peer: text(row['peer']),
    names: JSON.parse(text(row['names'])) as string[],
    keyChoice: text(row['key_choice']),
    state: text(row['state']) as OrderState,
    request: {
      csr: Uint8Array.from(row['csr'] as Uint8Array),
      cryptoType: Number(row['crypto_type']),
      keyId: text(row['key_id']),
      ...(key === undefined ? {} : { key }),
    },
    orderUrl: maybeText(row['order_url']),
    challenges: toChallenges(row),
    attempts: Number(row['attempts']),
    createdAt: Number(row['created_at']),
    renewal: row['renewal'] === 1,
  }
}

/** Reads the challenges in a row of the table orders. */
export function toChallenges(row: Record<string, unknown>): readonly ChallengeValue[] {
  return JSON.parse(text(row['challenges'])) as ChallengeValue[]
}

/** Reads a row of the table certificates. */
export function toCertificate(row: Record<string, unknown>): StoredCertificate {
  return {
    certificate: text(row['certificate']),
    ca: text(row['ca']),
    key: maybeText(row['key']),
    serial: text(row['serial']),
    cryptoType: Number(row['crypto_type']),
    notBefore: Number(row['not_before']),
    notAfter: Number(row['not_after']),
    renewFrom: maybeNumber(row['renew_from']),
  }
}

/** Reads a row of the table accounts. */
export function toAccount(row: Record<string, unknown>): StoredAccount {
  return { key: text(row['key']), url: maybeText(row['url']) }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`the store has a ${typeof value} for a text`)
  return value
}

export function maybeNumber(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

function maybeText(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : text(value)
}
