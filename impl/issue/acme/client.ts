import { certificateId } from './certificates.ts'
import { fetchCertificate, fetchRenewalInfo, revoke } from './issued.ts'
import type { CertificateChain, RenewalInfo } from './issued.ts'
import {
  authorizationShape,
  challengeShape,
  ORDER_NAMES_MAX,
  orderShape,
  parseMessage,
  toAuthorization,
  toChallenge,
  toOrder,
} from './messages.ts'
import type { Authorization, Challenge, Order, OrderStatus } from './messages.ts'
import { AcmeProblemError, AcmeResponseError } from './problems.ts'
import { invalidOrder, waitForOrder } from './polling.ts'
import { Session } from './session.ts'
import type { Account, AcmeClientInit, AcmeOptions } from './session.ts'

/** Reads of authorizations at once; more would only ask for more nonces. */
const AUTHORIZATION_READS_MAX = 4

export interface NewOrder {
  /** 1 to 100 names. */
  readonly names: readonly string[]
  /** Left out where the CA has no profiles. */
  readonly profile?: string
  /** PEM of the certificate that this one takes the place of; not told where the CA has no ARI (RFC 9773 section 5). */
  readonly replaces?: string
}

export interface NewOrderOptions extends AcmeOptions {
  /**
   * Called, and waited for, when the CA has made the order and before its authorizations are read: what is
   * written down here is found again whatever happens next.
   */
  readonly onOrder?: (order: Order) => void | Promise<void>
}

/**
 * An ACME client (RFC 8555) whose operations are the steps of an order, so that the caller can write each step
 * down before the next, and take an order up anywhere by its URL.
 *
 * Every operation throws an AcmeError, whose `action` says what to do, or the reason of the given signal.
 *
 * @example
 * const { order, authorizations } = await client.newOrder({ names })
 * for (const { challenges } of authorizations) { … client.dns01Value(token) …; await client.answerChallenge(challenge) }
 * const ready = await client.waitForOrder(order.url, { until: ['ready'] })
 * await client.finalize(ready, csr)
 * const { pem } = await client.certificate(await client.waitForOrder(order.url, { until: ['valid'] }))
 */
export class AcmeClient implements AsyncDisposable {
  readonly #session: Session

  /** @throws {TypeError} when the key is not a private P-256 key, or the directory URL is not https */
  constructor(init: AcmeClientInit) {
    this.#session = new Session(init)
  }

  /** The account of our key: found, or made. Kept until the CA says that it does not know it. */
  async account(options: AcmeOptions = {}): Promise<Account> {
    return await this.#session.account(this.#session.signal(options))
  }

  forgetAccount(): void {
    this.#session.forgetAccount()
  }

  /**
   * Orders a certificate and reads the authorizations. Of these calls and `authorizations` one runs at a time.
   * Not repeated when the connection breaks: the order may have been made.
   */
  async newOrder(
    { names, profile = this.#session.profile, replaces }: NewOrder,
    options: NewOrderOptions = {},
  ): Promise<{ readonly order: Order; readonly authorizations: readonly Authorization[] }> {
    if (names.length === 0 || names.length > ORDER_NAMES_MAX) {
      throw new RangeError(`order has ${names.length} names, 1 to ${ORDER_NAMES_MAX} are wanted`)
    }
    const signal = this.#session.signal(options)
    const directory = await this.#session.directory(signal)
    const replaced =
      replaces === undefined || directory.renewalInfo === undefined
        ? undefined
        : certificateId(replaces)
    // Before the gate: making an account must not keep others from passing.
    await this.#session.account(signal)
    return await this.#session.alone(async () => {
      const response = await this.#session.post(directory.newOrder, {
        resource: 'newOrder',
        payload: {
          identifiers: names.map((value) => ({ type: 'dns', value })),
          ...(profile === undefined || directory.meta?.profiles === undefined ? {} : { profile }),
          ...(replaced === undefined ? {} : { replaces: replaced }),
        },
        repeatable: false,
        signal,
      })
      const url = this.#session.location(response, 'newOrder')
      const body = parseMessage(orderShape, response.body, 'newOrder')
      const order = toOrder(body, { url, retryAfterMs: response.retryAfterMs })
      if (!sameNames(order.names, names)) {
        throw new AcmeResponseError(`ca made the order "${url}" for other names than asked`)
      }
      await options.onOrder?.(order)
      return { order, authorizations: await this.#readAuthorizations(order, signal) }
    }, signal)
  }

  async order(url: string, options: AcmeOptions = {}): Promise<Order> {
    const signal = this.#session.signal(options)
    const response = await this.#session.post(url, { resource: 'order', signal })
    const body = parseMessage(orderShape, response.body, 'order')
    return toOrder(body, { url, retryAfterMs: response.retryAfterMs })
  }

  async authorizations(
    order: Pick<Order, 'authorizationUrls'>,
    options: AcmeOptions = {},
  ): Promise<readonly Authorization[]> {
    const signal = this.#session.signal(options)
    await this.#session.account(signal)
    return await this.#session.alone(() => this.#readAuthorizations(order, signal), signal)
  }

  /** Tells the CA to validate. One that is answered already, now or before a crash, is returned as it stands. */
  async answerChallenge(challenge: Challenge, options: AcmeOptions = {}): Promise<Challenge> {
    if (challenge.status !== 'pending') return challenge
    const signal = this.#session.signal(options)
    const ask = { resource: 'challenge', signal } as const
    const read = async (payload?: unknown): Promise<Challenge> => {
      const { body } = await this.#session.post(challenge.url, { ...ask, payload })
      return toChallenge(parseMessage(challengeShape, body, 'challenge'))
    }
    try {
      return await read({})
    } catch (error) {
      // Pebble: "Cannot update challenge with status …, only status pending".
      if (!(error instanceof AcmeProblemError) || error.type !== 'malformed') throw error
      const current = await read()
      if (current.status === 'pending') throw error
      return current
    }
  }

  /**
   * Asks for the certificate of an order that is `ready`. One that was finalized already, now or before a
   * crash, is returned as it stands. The order usually is `processing` after this.
   */
  async finalize(
    order: Pick<Order, 'url' | 'finalizeUrl'>,
    csrDer: Uint8Array,
    options: AcmeOptions = {},
  ): Promise<Order> {
    const signal = this.#session.signal(options)
    const { url } = order
    try {
      const response = await this.#session.post(order.finalizeUrl, {
        resource: 'finalize',
        payload: { csr: Buffer.from(csrDer).toString('base64url') },
        signal,
      })
      // The URL is ours: since Pebble 2.9 this answer has no Location.
      const body = parseMessage(orderShape, response.body, 'finalize')
      return toOrder(body, { url, retryAfterMs: response.retryAfterMs })
    } catch (error) {
      if (!(error instanceof AcmeProblemError) || error.type !== 'orderNotReady') throw error
      const current = await this.order(url, options)
      if (current.status === 'processing' || current.status === 'valid') return current
      if (current.status === 'pending' || current.status === 'ready') throw error
      throw await invalidOrder(this, current, options)
    }
  }

  /**
   * Looks at an order until it has one of the statuses `until`, or has gone beyond them.
   * @throws {AcmeOrderInvalidError} when it failed, with the problem of the challenge that did
   * @throws {AcmeTimeoutError} when that takes longer than `timeoutMs` (90 s by default)
   */
  async waitForOrder(
    url: string,
    options: AcmeOptions & { readonly until: readonly OrderStatus[]; readonly timeoutMs?: number },
  ): Promise<Order> {
    const { retryAfterMsMax } = this.#session
    const signal = this.#session.signal(options)
    return await waitForOrder(this, url, { ...options, signal, retryAfterMsMax })
  }

  /**
   * Fetches the certificate of a `valid` order.
   * @param options.preferredChain common name of the root that the chain should end under, where the CA offers
   *   several; where none does it is the CA's own choice
   */
  async certificate(
    order: Pick<Order, 'url' | 'certificateUrl'>,
    options: AcmeOptions & { readonly preferredChain?: string } = {},
  ): Promise<CertificateChain> {
    return await fetchCertificate(this.#session, order, options)
  }

  /**
   * Revokes a certificate of ours; one that is revoked already stays so.
   * @param options.reason the number of RFC 5280 section 5.3.1, such as 4 for superseded
   */
  async revoke(
    certificatePem: string,
    options: AcmeOptions & { readonly reason?: number } = {},
  ): Promise<void> {
    await revoke(this.#session, certificatePem, options)
  }

  /** When the CA wants a certificate renewed (RFC 9773); undefined where it does not offer to say. */
  async renewalInfo(
    certificatePem: string,
    options: AcmeOptions = {},
  ): Promise<RenewalInfo | undefined> {
    return await fetchRenewalInfo(this.#session, certificatePem, options)
  }

  /** What the TXT record `_acme-challenge.<name>` must hold. */
  dns01Value(token: string): string {
    return this.#session.key.dns01Value(token)
  }

  /** Ends all that is under way: it throws. */
  async close(): Promise<void> {
    await this.#session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Returns or throws when the last read has ended: nothing may go on when the gate opens. */
  async #readAuthorizations(
    { authorizationUrls }: Pick<Order, 'authorizationUrls'>,
    signal: AbortSignal,
  ): Promise<readonly Authorization[]> {
    const results = new Map<string, Authorization>()
    const queue = authorizationUrls.values()
    const read = async (): Promise<void> => {
      // All readers draw from one iterator.
      for (const url of queue) {
        const { body } = await this.#session.post(url, { resource: 'authorization', signal })
        results.set(
          url,
          toAuthorization(parseMessage(authorizationShape, body, 'authorization'), url),
        )
      }
    }
    const readers = Array.from({ length: AUTHORIZATION_READS_MAX }, read)
    const failure = (await Promise.allSettled(readers)).find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') throw failure.reason
    return authorizationUrls.flatMap((url) => results.get(url) ?? [])
  }
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const sorted = (names: readonly string[]): string =>
    [...new Set(names.map((name) => name.toLowerCase()))].toSorted().join()
  return sorted(left) === sorted(right)
}
