import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'
import { orAbort } from '../abort.ts'
import { AcmeConnectionError, AcmeResponseError, AcmeTimeoutError } from './problems.ts'
import type { AcmeResource } from './problems.ts'
import { parseRetryAfter } from './retry-after.ts'

/** Far over a chain of certificates and an order of 100 names. */
const BODY_LENGTH_MAX = 1024 * 1024

/** Kept-alive connections to the CA; more requests at once wait for one. */
const CONNECTIONS_MAX = 16

/** One answered request, for metrics; without headers and body. */
export interface AcmeRequestRecord {
  readonly method: string
  readonly resource: AcmeResource
  readonly status: number
  readonly durationMs: number
}

export interface HttpInit {
  readonly certificateAuthority?: string | undefined
  readonly userAgent: string
  readonly requestTimeoutMs: number
  readonly onRequest?: ((record: AcmeRequestRecord) => void) | undefined
}

export interface HttpRequest {
  readonly url: string
  readonly resource: AcmeResource
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly body?: string
  readonly accept?: string
  readonly signal: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | undefined
  /** One value of a header; the first where there are several. */
  header(name: string): string | undefined
  /** The targets of Link headers with this relation (RFC 8288). */
  links(relation: string): readonly string[]
}

/** Single requests to the CA: each bounded in time and length, nothing repeated. */
export class Http {
  readonly #agent: Agent
  readonly #init: HttpInit

  constructor(init: HttpInit) {
    this.#init = init
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      // Our own deadline covers connecting, headers and body together.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: init.requestTimeoutMs,
        ...(init.certificateAuthority === undefined ? {} : { ca: init.certificateAuthority }),
      },
    })
  }

  /**
   * @throws {AcmeTimeoutError} after `requestTimeoutMs`
   * @throws {AcmeConnectionError} when there is no connection, or it breaks
   * @throws {AcmeResponseError} when the answer is too long
   */
  async send(wanted: HttpRequest): Promise<HttpResponse> {
    const { signal, resource, method } = wanted
    signal.throwIfAborted()
    const { requestTimeoutMs, onRequest } = this.#init
    const startMs = performance.now()
    const deadline = new AbortController()
    // setTimeout and not AbortSignal.timeout: whoever takes over time takes over the former.
    const timer = setTimeout(() => {
      deadline.abort(
        new AcmeTimeoutError(
          `ca did not answer the ${resource} request within ${requestTimeoutMs} ms`,
        ),
      )
    }, requestTimeoutMs)
    const stop = AbortSignal.any([signal, deadline.signal])
    try {
      // undici does not listen to the signal while it connects.
      const response = await orAbort(this.#exchange(wanted, stop), stop)
      onRequest?.({
        method,
        resource,
        status: response.status,
        durationMs: Math.round(performance.now() - startMs),
      })
      return response
    } catch (error) {
      stop.throwIfAborted()
      if (error instanceof AcmeResponseError) throw error
      throw connectionError(error, wanted)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends all connections, and the requests on them. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #exchange(
    { url, method, body, accept }: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      signal,
      headers: {
        'user-agent': this.#init.userAgent,
        ...(accept === undefined ? {} : { accept }),
        // RFC 8555 section 6.2.
        ...(body === undefined ? {} : { 'content-type': 'application/jose+json' }),
      },
      ...(body === undefined ? {} : { body }),
    })
    const { statusCode: status, headers } = answer
    const header = (name: string): string | undefined => {
      const value = headers[name]
      return Array.isArray(value) ? value[0] : value
    }
    const now = Date.parse(header('date') ?? '')
    return {
      status,
      body: await readBody(answer.body),
      retryAfterMs: parseRetryAfter(header('retry-after'), Number.isNaN(now) ? Date.now() : now),
      header,
      links: (relation) => findLinks(headers['link'], { relation, base: url }),
    }
  }
}

async function readBody(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length
    // Leaving the loop destroys the body, and with it the connection.
    if (length > BODY_LENGTH_MAX) {
      throw new AcmeResponseError(`answer of the ca is longer than ${BODY_LENGTH_MAX} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function findLinks(
  value: string | string[] | undefined,
  { relation, base }: { readonly relation: string; readonly base: string },
): readonly string[] {
  const text = [value ?? []].flat().join(', ')
  return [...text.matchAll(/<([^<>]*)>\s*((?:;[^,<]*)*)/g)]
    .filter(([, , parameters = '']) => new RegExp(`;\\s*rel="?${relation}"?`, 'i').test(parameters))
    .map(([, target = '']) => URL.parse(target, base)?.href)
    .filter((target) => target !== undefined)
}

/** Failures of which it is certain that no byte of the request was sent. */
const UNSENT_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

function connectionError(
  error: unknown,
  { resource, url, method }: HttpRequest,
): AcmeConnectionError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new AcmeConnectionError(`no connection to the ca at "${url}" in time`, {
      cause: error,
      sent: false,
    })
  }
  const reason = code === '' ? String(error) : code
  return new AcmeConnectionError(`${resource} request to "${url}" failed: ${reason}`, {
    cause: error,
    // What only reads leaves no doubt about what the CA did.
    sent: method === 'POST' && !UNSENT_CODES.has(code),
  })
}
