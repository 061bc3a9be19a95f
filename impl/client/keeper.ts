import { Alarm } from './alarm.ts'
import type { CertificateStore } from './certificate-store.ts'
import type { Certificate } from './check.ts'
import { CertificateError, describeFailure, type FailureDetail } from './errors.ts'
import type { Server } from './exchange.ts'
import {
  prepareRequest,
  requestCertificate,
  type ObtainContext,
  type PreparedRequest,
} from './obtain.ts'
import { advisedTime, renewalTime, retryDelayMs, type RetryLimits } from './renewal.ts'
import { RenewalAdvice } from './renewal-advice.ts'

/** Options and callbacks of a {@link CertificateKeeper}. */
export interface CertificateKeeperInit {
  readonly issueServers: readonly Server[]
  readonly store: CertificateStore
  /** Whether to send a CSR. */
  readonly csr: boolean
  readonly retry: RetryLimits
  /** Everything but the signal that ends a round. */
  readonly context: (signal: AbortSignal) => ObtainContext
  /** A certificate to be served from now on. */
  readonly onCertificate: (
    certificate: Certificate,
    origin: { readonly fromStore: boolean; readonly previous: Certificate | undefined },
  ) => void
  /** The certificate will be renewed at another time (ms since 1970) than was planned. */
  readonly onAdvised: (certificate: Certificate, renewAt: number) => void
  readonly onExpired: (certificate: Certificate) => void
  readonly onFailure: (failure: FailureDetail & { readonly retryAt?: number }) => void
}

/** What one round shall do. */
interface Round {
  /** Take a new certificate even if the one that we have would do. */
  readonly renew: boolean
  /** Prove our address over new connections. */
  readonly fresh: boolean
}

const CHECK: Round = { renew: false, fresh: false }

/**
 * How much longer than after a failure we wait until we try to prove an address of the other family: by default from
 * five minutes to a day, which costs servers little where somebody has none.
 */
const HALF_FACTORS = { initialMs: 60, maximumMs: 24 }

/** Has a valid certificate for the addresses that we have, as long as it runs. */
export class CertificateKeeper {
  readonly #init: CertificateKeeperInit
  readonly #stopping = new AbortController()
  readonly #renewal = new Alarm(() => this.#runUnattended(this.#next))
  readonly #expiry = new Alarm(() => this.#expire())
  /** A way to a proof server that fails for a minute must not cost an address its name until the renewal. */
  readonly #otherHalf = new Alarm(() => this.#runUnattended(CHECK))
  readonly #advice: RenewalAdvice
  #certificate: Certificate | undefined
  #renewAt = 0
  /** The time that we would choose by ourselves. */
  #usualRenewAt = 0
  #failures = 0
  /** Rounds in a row that proved addresses of one family alone. */
  #halves = 0
  /** What the next round by time does: it renews only when that is due. */
  #next: Round = CHECK
  /** Rounds run one after the other: this settles with the last one. */
  #rounds: Promise<unknown> = Promise.resolve()
  #unattended = false

  constructor(init: CertificateKeeperInit) {
    this.#init = init
    this.#advice = new RenewalAdvice({
      ...init,
      onAdvice: (certificate, renewAt) => this.#advised(certificate, renewAt),
    })
  }

  get certificate(): Certificate | undefined {
    return this.#certificate
  }

  /** Serves the stored certificate if there is one; with `unattended` obtains, checks and renews from now on. */
  async start({ unattended }: { readonly unattended: boolean }): Promise<void> {
    this.#unattended = unattended
    const stored = await this.#init.store.load(Date.now())
    if (this.#stopping.signal.aborted) return
    if (stored !== undefined) this.#adopt(stored, { fromStore: true })
    if (unattended) this.#runUnattended(CHECK)
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new DOMException('the client is stopping', 'AbortError'))
    await Promise.all([this.#rounds, this.#advice.stop()])
    this.#renewal.clear()
    this.#otherHalf.clear()
    this.#expiry.clear()
  }

  /** One round, whose failure is the caller's. */
  async run(round: Round, signal?: AbortSignal): Promise<Certificate> {
    try {
      return await this.#run(round, signal)
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#init.onFailure(describeFailure(error))
      throw error
    }
  }

  async #run(round: Round, signal?: AbortSignal): Promise<Certificate> {
    const ending = AbortSignal.any([
      this.#stopping.signal,
      ...(signal === undefined ? [] : [signal]),
    ])
    const before = this.#certificate
    const result = this.#rounds.then(async () => {
      ending.throwIfAborted()
      // The round that we waited for may have brought what we want.
      const current = this.#certificate
      if (current !== undefined && current !== before && !round.fresh) return current
      return await this.#obtain(round, ending)
    })
    this.#rounds = result.catch(() => {})
    return await result
  }

  /** One round, tried again until it succeeds. */
  runUnattended(round: Round): void {
    if (this.#unattended) this.#runUnattended(round)
  }

  #runUnattended(round: Round): void {
    this.#run(round).then(
      () => {
        if (this.#stopping.signal.aborted) return
        this.#failures = 0
        this.#next = CHECK
        this.#renewal.set(this.#renewAt)
        this.#seekOtherHalf()
      },
      (error: unknown) => {
        if (this.#stopping.signal.aborted) return
        this.#failures += 1
        const failure = describeFailure(error)
        const waitMs = retryDelayMs({
          failures: this.#failures,
          code: failure.code,
          limits: this.#init.retry,
          random: Math.random(),
        })
        const retryAt = Math.round(Date.now() + waitMs)
        this.#next = round
        this.#renewal.setIn(waitMs)
        this.#init.onFailure({ ...failure, retryAt })
      },
    )
  }

  #seekOtherHalf(): void {
    if (this.#halves === 0) return this.#otherHalf.clear()
    const { initialMs, maximumMs } = this.#init.retry
    const limits = {
      initialMs: initialMs * HALF_FACTORS.initialMs,
      maximumMs: maximumMs * HALF_FACTORS.maximumMs,
    }
    const [failures, random] = [this.#halves, Math.random()]
    this.#otherHalf.setIn(retryDelayMs({ failures, limits, random }))
  }

  /** Asks the issue servers one after the other until one gives a certificate. */
  async #obtain(round: Round, signal: AbortSignal): Promise<Certificate> {
    const context = this.#init.context(signal)
    const errors: unknown[] = []
    for (const server of this.#init.issueServers) {
      try {
        const prepared = await prepareRequest(server, context, { fresh: round.fresh })
        this.#halves = prepared.isHalf ? this.#halves + 1 : 0
        const current = this.#certificate
        if (current !== undefined && !round.renew && this.#serves(current, prepared)) return current
        const key = this.#init.csr ? await this.#init.store.pendingKey() : undefined
        const certificate = await requestCertificate(prepared, key, context)
        if (certificate.serial === current?.serial && Date.now() >= this.#renewAt) {
          // A server of 2018 gives it until an hour before its end: without this we would ask again at once, for ever.
          throw new CertificateError('the certificate that came is the one that is to be renewed')
        }
        // Saved even when we are stopping: it has cost somebody a CA's limit.
        await this.#init.store.save(certificate)
        signal.throwIfAborted()
        this.#adopt(certificate, { fromStore: false })
        return certificate
      } catch (error) {
        signal.throwIfAborted()
        errors.push(error)
      }
    }
    throw errors.length === 1
      ? errors[0]
      : new AggregateError(errors, `none of ${errors.length} issue servers gave a certificate`)
  }

  /**
   * Whether a certificate still is for us. One that names an address more than the proofs do is: a proof server that
   * happens to be down has not taken the address away.
   */
  #serves(certificate: Certificate, { zone, addressNames }: PreparedRequest): boolean {
    return (
      certificate.zone === zone &&
      addressNames.every((name) => certificate.names.includes(name)) &&
      Date.now() < this.#renewAt
    )
  }

  #adopt(certificate: Certificate, { fromStore }: { readonly fromStore: boolean }): void {
    const previous = this.#certificate
    this.#certificate = certificate
    this.#usualRenewAt = renewalTime(certificate, Math.random())
    this.#renewAt = this.#usualRenewAt
    this.#expiry.set(certificate.notAfter)
    if (this.#unattended) {
      this.#renewal.set(this.#renewAt)
      // What the CA wants can have changed while we did not run.
      this.#advice.follow(certificate, { now: fromStore })
    }
    this.#init.onCertificate(certificate, { fromStore, previous })
  }

  #advised(certificate: Certificate, renewAt: number | undefined): void {
    if (certificate !== this.#certificate) return
    const advised = renewAt === undefined ? this.#usualRenewAt : advisedTime(certificate, renewAt)
    if (advised === this.#renewAt) return
    this.#renewAt = advised
    // After a failure the alarm is set for the next attempt, which looks at the new time too.
    if (this.#failures === 0) this.#renewal.set(advised)
    this.#init.onAdvised(certificate, advised)
  }

  #expire(): void {
    this.#advice.pause()
    const certificate = this.#certificate
    if (certificate === undefined) return
    this.#certificate = undefined
    this.#init.onExpired(certificate)
  }
}
