import type { Database, Row } from './database.ts'
import { canonicalNames, maybeNumber, type Want } from './records.ts'

/** A certificate, and what the CA has said of its renewal. Times are in ms since 1970. */
export interface RenewalRow extends Omit<Want, 'keyChoice'> {
  /** PEM. */
  readonly certificate: string
  readonly serial: string
  readonly notBefore: number
  readonly notAfter: number
  /** When the CA is to be asked. */
  readonly askAt: number
  readonly renewFrom: number | undefined
  readonly renewUntil: number | undefined
  readonly renewAt: number | undefined
}

/** What the CA says now. */
export interface RenewalWindow {
  readonly renewFrom: number
  readonly renewUntil: number
  readonly renewAt: number
}

/** What renewals.ts remembers, in the certificates' own rows. */
export class RenewalRows {
  readonly #database: Database
  readonly #directoryUrl: string
  /** Called when there is one more certificate that the CA is to be asked about. */
  onAdded: () => void = () => {}

  constructor(database: Database, directoryUrl: string) {
    this.#database = database
    this.#directoryUrl = directoryUrl
  }

  /** The certificate that the CA is to be asked about first, of those that have not ended. */
  next(now: number): RenewalRow | undefined {
    const row = this.#database.get(
      `SELECT * FROM certificates WHERE directory_url = ? AND ask_at IS NOT NULL AND not_after > ?
       ORDER BY ask_at LIMIT 1`,
      [this.#directoryUrl, now],
    )
    return row === undefined ? undefined : toRenewalRow(row)
  }

  find({ peer, serial }: Pick<RenewalRow, 'peer' | 'serial'>): RenewalRow | undefined {
    const row = this.#database.get(
      'SELECT * FROM certificates WHERE directory_url = ? AND peer = ? AND serial = ?',
      [this.#directoryUrl, peer, serial],
    )
    return row === undefined ? undefined : toRenewalRow(row)
  }

  /** Notes when to ask next, and what the CA says now, if anything. */
  save({ peer, serial }: RenewalRow, askAt: number, window?: RenewalWindow): void {
    const identity = [this.#directoryUrl, peer, serial]
    if (window === undefined) {
      this.#database.run(
        'UPDATE certificates SET ask_at = ? WHERE directory_url = ? AND peer = ? AND serial = ?',
        [askAt, ...identity],
      )
    } else {
      this.#database.run(
        `UPDATE certificates SET ask_at = ?, renew_from = ?, renew_until = ?, renew_at = ?
         WHERE directory_url = ? AND peer = ? AND serial = ?`,
        [askAt, window.renewFrom, window.renewUntil, window.renewAt, ...identity],
      )
    }
  }

  /** The CA need not be asked about certificates that others have taken the place of. */
  supersede({ peer, names }: Pick<Want, 'peer' | 'names'>): void {
    this.#database.run(
      'UPDATE certificates SET ask_at = NULL WHERE directory_url = ? AND peer = ? AND names = ?',
      [this.#directoryUrl, peer, JSON.stringify(canonicalNames(names))],
    )
  }
}

function toRenewalRow(row: Row): RenewalRow {
  return {
    peer: String(row['peer']),
    names: JSON.parse(String(row['names'])) as string[],
    certificate: String(row['certificate']),
    serial: String(row['serial']),
    notBefore: Number(row['not_before']),
    notAfter: Number(row['not_after']),
    askAt: Number(row['ask_at']),
    renewFrom: maybeNumber(row['renew_from']),
    renewUntil: maybeNumber(row['renew_until']),
    renewAt: maybeNumber(row['renew_at']),
  }
}
