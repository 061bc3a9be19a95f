import type { Http, HttpResponse } from './http.ts'
import type { AccountKey } from './jws.ts'
import { parseProblem } from './messages.ts'
import { NoncePool } from './nonces.ts'
import { AcmeConnectionError, AcmeProblemError, AcmeResponseError } from './problems.ts'
import type { AcmeResource } from './problems.ts'
import { sleep } from '../abort.ts'

/** Attempts at a request that the CA cannot serve just now. Longer outages are the caller's to wait out. */
const ATTEMPTS_MAX = 4

/** The wait before the second attempt where the CA names none; it doubles, and is spread over half of itself. */
const BACKOFF_MS_MIN = 100

/**
 * Attempts with a fresh nonce each (RFC 8555 section 6.5: a client SHOULD retry). With half of all nonces
 * refused one request in 10^12 fails, with four fifths one in 7000; with all of them it ends.
 */
const NONCE_ATTEMPTS_MAX = 40

export interface TransportInit {
  readonly http: Http
  readonly key: AccountKey
  /** A longer Retry-After is not waited for but thrown, with the time in `retryAfterMs`. */
  readonly retryAfterMsMax: number
  /** Where nonces come from when none is left. */
  readonly newNonceUrl: (signal: AbortSignal) => Promise<string>
}

export interface GetRequest {
  readonly url: string
  readonly resource: AcmeResource
  readonly signal: AbortSignal
}

export interface PostRequest extends GetRequest {
  /** Absent for a POST-as-GET (RFC 8555 section 6.3). */
  readonly payload?: unknown
  /** The account URL; absent for newAccount. */
  readonly kid: string | undefined
  readonly accept?: string
  /**
   * Whether the request may be sent again when it is not known if the CA acted on the first.
   * @default true
   */
  readonly repeatable?: boolean
}

/** Requests that are signed, and repeated as far as that is safe. Every error status is thrown. */
export class Transport {
  readonly #init: TransportInit
  readonly #nonces = new NoncePool()

  constructor(init: TransportInit) {
    this.#init = init
  }

  async get(wanted: GetRequest): Promise<HttpResponse> {
    return await this.#persist({ ...wanted, repeatable: true }, async () =>
      check(await this.#init.http.send({ ...wanted, method: 'GET' }), wanted.resource),
    )
  }

  async post(wanted: PostRequest): Promise<HttpResponse> {
    const repeatable = wanted.repeatable ?? true
    return await this.#persist({ ...wanted, repeatable }, () => this.#postWithNonces(wanted))
  }

  /** A refused nonce costs nothing but the round trip: no wait, and no count against the other attempts. */
  async #postWithNonces(wanted: PostRequest): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#postOnce(wanted)
      } catch (error) {
        const refused = error instanceof AcmeProblemError && error.type === 'badNonce'
        if (!refused || attempt >= NONCE_ATTEMPTS_MAX) throw error
      }
    }
  }

  async #postOnce({
    url,
    resource,
    payload,
    kid,
    accept,
    signal,
  }: PostRequest): Promise<HttpResponse> {
    const nonce = this.#nonces.take() ?? (await this.#fetchNonce(signal))
    const text = payload === undefined ? '' : JSON.stringify(payload)
    const response = await this.#init.http.send({
      url,
      resource,
      method: 'POST',
      body: JSON.stringify(this.#init.key.sign(text, { url, nonce, kid })),
      ...(accept === undefined ? {} : { accept }),
      signal,
    })
    this.#nonces.put(response.header('replay-nonce'))
    return check(response, resource)
  }

  async #fetchNonce(signal: AbortSignal): Promise<string> {
    const url = await this.#init.newNonceUrl(signal)
    const response = check(
      await this.#init.http.send({ url, resource: 'nonce', method: 'HEAD', signal }),
      'nonce',
    )
    this.#nonces.put(response.header('replay-nonce'))
    const nonce = this.#nonces.take()
    if (nonce === undefined) throw new AcmeResponseError(`ca gave no usable nonce at "${url}"`)
    return nonce
  }

  async #persist(
    { repeatable, signal }: Pick<PostRequest, 'signal'> & { readonly repeatable: boolean },
    attempt: () => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt()
      } catch (error) {
        const waitMs = waitBeforeRepeating(error, repeatable)
        if (waitMs === undefined || attempts >= ATTEMPTS_MAX) throw error
        const backoffMs = BACKOFF_MS_MIN * 2 ** (attempts - 1) * (1 - Math.random() / 2)
        // Coming back sooner than asked would only be refused again, and a public CA counts it.
        if (waitMs > this.#init.retryAfterMsMax) throw error
        await sleep(Math.max(waitMs, backoffMs), signal)
      }
    }
  }
}

/** The wait that the CA asked for, 0 for none in particular, undefined where repeating is of no use or not safe. */
function waitBeforeRepeating(error: unknown, repeatable: boolean): number | undefined {
  if (error instanceof AcmeConnectionError) return repeatable || !error.sent ? 0 : undefined
  if (!(error instanceof AcmeProblemError)) return undefined
  switch (error.status) {
    case 429:
      // Without a time it may be a limit of hours: only the caller can wait that long.
      return error.retryAfterMs
    case 503:
      return error.retryAfterMs ?? 0
    case 500:
    case 502:
    case 504:
      // A proxy may say so of a request that the CA did carry out.
      return repeatable || error.resource === 'nonce' ? (error.retryAfterMs ?? 0) : undefined
  }
  return undefined
}

function check(response: HttpResponse, resource: AcmeResource): HttpResponse {
  const { status, body, retryAfterMs } = response
  if (status >= 200 && status < 300) return response
  if (status >= 400) {
    throw new AcmeProblemError({ problem: parseProblem(body), status, resource, retryAfterMs })
  }
  throw new AcmeResponseError(`ca answered the ${resource} request with the http status ${status}`)
}
