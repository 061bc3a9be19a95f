import type { KeyObject, JsonWebKey } from 'node:crypto'

import { Gate } from './gate.ts'
import { Http } from './http.ts'
import type { AcmeRequestRecord, HttpResponse } from './http.ts'
import { AccountKey } from './jws.ts'
import type { ExternalAccount } from './jws.ts'
import { accountShape, directoryShape, parseMessage } from './messages.ts'
import type { Directory } from './messages.ts'
import { AcmeError, AcmeProblemError, AcmeResponseError } from './problems.ts'
import type { AcmeResource } from './problems.ts'
import { Transport } from './transport.ts'
import type { PostRequest } from './transport.ts'
import { Shared } from './shared.ts'

const REQUEST_TIMEOUT_MS = 10_000
const RETRY_AFTER_MS_MAX = 30_000
const USER_AGENT = 'nodetrust'

export interface AcmeClientInit {
  /** `https:`; `http:` on loopback only. */
  readonly directoryUrl: string
  /** The private P-256 key of the account. */
  readonly accountKey: KeyObject | JsonWebKey
  /** Such as `mailto:operator@example.org`. */
  readonly contacts?: readonly string[]
  readonly externalAccount?: ExternalAccount
  /**
   * Whoever configures a CA agrees to its terms of service.
   * @default true
   */
  readonly termsOfServiceAgreed?: boolean
  /** PEM that the CA's own HTTPS certificate is verified with. @default Node's own roots */
  readonly certificateAuthority?: string
  /** Asked for in orders that name none, where the CA has profiles. */
  readonly profile?: string
  /** @default 'nodetrust' */
  readonly userAgent?: string
  /** Bound on each request: connecting, sending and the whole answer. @default 10_000 */
  readonly requestTimeoutMs?: number
  /** The longest Retry-After that is waited for; an error with a longer one is thrown. @default 30_000 */
  readonly retryAfterMsMax?: number
  /** Called after each answered request, for metrics. */
  readonly onRequest?: (record: AcmeRequestRecord) => void
}

export interface AcmeOptions {
  readonly signal?: AbortSignal
}

export interface Account {
  readonly url: string
}

/** Who we are at the CA: the directory, the account, and requests in its name. */
export class Session {
  readonly key: AccountKey
  readonly retryAfterMsMax: number
  readonly profile: string | undefined
  readonly #gate: Gate
  readonly #http: Http
  readonly #transport: Transport
  readonly #closed = new AbortController()
  readonly #directoryUrl: URL
  readonly #directory: Shared<Directory>
  readonly #account: Shared<Account>
  readonly #init: AcmeClientInit
  /** The account that requests are made in the name of now. */
  #accountUrl: string | undefined

  constructor(init: AcmeClientInit) {
    const { requestTimeoutMs = REQUEST_TIMEOUT_MS, retryAfterMsMax = RETRY_AFTER_MS_MAX } = init
    this.#init = init
    this.#directoryUrl = parseDirectoryUrl(init.directoryUrl)
    this.key = new AccountKey(init.accountKey)
    this.retryAfterMsMax = retryAfterMsMax
    this.profile = init.profile
    this.#gate = new Gate({ waitMsMax: requestTimeoutMs })
    this.#http = new Http({
      certificateAuthority: init.certificateAuthority,
      userAgent: init.userAgent ?? USER_AGENT,
      requestTimeoutMs,
      onRequest: init.onRequest,
    })
    this.#transport = new Transport({
      http: this.#http,
      key: this.key,
      retryAfterMsMax,
      newNonceUrl: async (signal) => (await this.#directory.get(signal)).newNonce,
    })
    this.#directory = new Shared(() => this.#fetchDirectory())
    this.#account = new Shared(() => this.#newAccount())
  }

  /** Aborted when the caller's is, or when this session is closed. */
  signal(options: AcmeOptions): AbortSignal {
    const { signal: closed } = this.#closed
    return options.signal === undefined ? closed : AbortSignal.any([options.signal, closed])
  }

  async directory(signal: AbortSignal): Promise<Directory> {
    return await this.#directory.get(signal)
  }

  async account(signal: AbortSignal): Promise<Account> {
    return await this.#account.get(signal)
  }

  forgetAccount(): void {
    this.#account.forget()
  }

  /** Runs what must not overlap with another such operation, see Gate. */
  async alone<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#gate.run(operation, signal)
  }

  async get(url: string, { resource, signal }: Ask): Promise<HttpResponse> {
    return await this.#transport.get({ url: this.#checkUrl(url), resource, signal })
  }

  /** A request in the name of the account; without `payload` a POST-as-GET. */
  async post(url: string, request: Omit<PostRequest, 'url' | 'kid'>): Promise<HttpResponse> {
    const { url: kid } = await this.#account.get(request.signal)
    try {
      return await this.#transport.post({ ...request, url: this.#checkUrl(url), kid })
    } catch (error) {
      // The CA lost its state, as a restarted Pebble has. Others may have made a new account meanwhile: theirs stays.
      if (error instanceof AcmeProblemError && error.lost === 'account') this.#forgetAccountOf(kid)
      // An endpoint that moved is found in the directory again.
      if (error instanceof AcmeProblemError && error.status === 404) this.#directory.forget()
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new AcmeError('final', 'acme client is closed'))
    await this.#http.close()
  }

  #forgetAccountOf(kid: string): void {
    if (this.#accountUrl === kid) this.#account.forget()
  }

  async #fetchDirectory(): Promise<Directory> {
    const response = await this.#transport.get({
      url: this.#directoryUrl.href,
      resource: 'directory',
      signal: this.#closed.signal,
    })
    return parseMessage(directoryShape, response.body, 'directory')
  }

  /** RFC 8555 section 7.3: for a key that the CA knows this finds the account that there is. */
  async #newAccount(): Promise<Account> {
    const { signal } = this.#closed
    const { newAccount: url } = await this.#directory.get(signal)
    const { contacts, externalAccount, termsOfServiceAgreed = true } = this.#init
    const response = await this.#transport.post({
      url: this.#checkUrl(url),
      resource: 'account',
      payload: {
        termsOfServiceAgreed,
        ...(contacts === undefined ? {} : { contact: contacts }),
        ...(externalAccount === undefined
          ? {}
          : { externalAccountBinding: this.key.bind(externalAccount, url) }),
      },
      kid: undefined,
      signal,
    })
    const { status = 'valid' } = parseMessage(accountShape, response.body, 'account')
    if (status !== 'valid') {
      throw new AcmeError(
        'final',
        `acme account is "${status}", it must be "valid": use another key`,
      )
    }
    this.#accountUrl = this.location(response, 'account')
    return { url: this.#accountUrl }
  }

  /** The URL of what a request made. */
  location(response: HttpResponse, resource: AcmeResource): string {
    const url = URL.parse(response.header('location') ?? '', this.#directoryUrl.href)?.href
    if (url === undefined || response.header('location') === undefined) {
      throw new AcmeResponseError(`answer to the ${resource} request has no location`)
    }
    return this.#checkUrl(url)
  }

  /** RFC 8555 section 6.1: https only. Plain http is for a CA on loopback that was itself named so. */
  #checkUrl(url: string): string {
    const { protocol = '', hostname = '' } = URL.parse(url) ?? {}
    const plain = this.#directoryUrl.protocol === 'http:' && isLoopback(hostname)
    if (protocol === 'https:' || (protocol === 'http:' && plain)) return url
    throw new AcmeResponseError(`ca named the url "${url}", it must be https`)
  }
}

interface Ask {
  readonly resource: AcmeResource
  readonly signal: AbortSignal
}

function parseDirectoryUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname)))
    return url
  throw new TypeError(`acme directory url is "${text}", it must be https (http on loopback only)`)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}
