// A proxy in front of the CA. Pebble builds every URL from the Host header, which passes as it is: who starts at the
// proxy's directory stays with the proxy, and nothing else of the CA's answers is changed.
import { once } from 'node:events'
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import { Agent as HttpsAgent, createServer, request as httpsRequest, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CaRules, resourceOf, type CaEffect, type CaResource, type CaRule } from './ca-faults.ts'
import { createHttpsCertificate, type HttpsCertificate } from './https-certificate.ts'
import { freePorts } from './ports.ts'

/** One request, when it has ended. */
export interface ProxiedRequest {
  readonly method: string
  readonly resource: CaResource
  /** What the client was answered; 0 when it was not. */
  readonly status: number
  readonly path: string
  /** Anti-replay nonce (RFC 8555 section 6.5) of a signed request. */
  readonly nonce?: string
  /** What became of the order, authorization or challenge that the answer is about. */
  readonly state?: string
  /** What the answer's Retry-After comes to, in ms. */
  readonly retryAfterMs?: number
  /** What was done to it. */
  readonly effect?: CaEffect['kind']
  /** The certificate that a new order says it takes the place of (RFC 9773 section 5). */
  readonly replaces?: string
}

/** Renewal information (RFC 9773) for a CA that has none, or other than its own. */
export interface RenewalWindow {
  /** From the first question about a certificate until the window begins, in ms. */
  readonly startMs: number
  readonly endMs: number
  readonly retryAfterSeconds: number
}

export interface CaProxyInit {
  readonly upstream: { readonly directoryUrl: string; readonly certificateAuthority: string }
  readonly renewalInfo?: RenewalWindow | undefined
  /** IPv4 address to listen on. @default 127.0.0.1 */
  readonly listenAddress?: string | undefined
  readonly onRequest: (request: ProxiedRequest) => void
}

const LOOPBACK = '127.0.0.1'
/** Requests and answers of ACME are a few KiB. */
const BODY_LENGTH_MAX = 1 << 20
/** Certificates whose window is remembered. */
const WINDOWS_MAX = 10_000
const RENEWAL_INFO_PATH = '/proxy/renewal-info'

/** The CA as one of its clients sees it. */
export class CaProxy implements AsyncDisposable {
  readonly directoryUrl: string
  readonly #init: CaProxyInit
  readonly #upstream: URL
  readonly #agent: HttpAgent
  readonly #host: string
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  readonly #closing = new AbortController()
  readonly #windows = new Map<string, { readonly start: number; readonly end: number }>()
  readonly #rules = new Map<object, CaRules>()
  #https: HttpsCertificate
  #server: Server | undefined
  /** Two that want it at once get one server. */
  #accepting: Promise<void> | undefined

  private constructor(init: CaProxyInit, https: HttpsCertificate, port: number) {
    this.#init = init
    this.#https = https
    this.#host = init.listenAddress ?? LOOPBACK
    this.#port = port
    this.#upstream = new URL(init.upstream.directoryUrl)
    this.directoryUrl = `https://${this.#host}:${port}${this.#upstream.pathname}`
    this.#agent = this.#isPlain
      ? new HttpAgent({ keepAlive: true })
      : new HttpsAgent({ keepAlive: true, ca: init.upstream.certificateAuthority })
  }

  static async open(init: CaProxyInit): Promise<CaProxy> {
    const [port] = await freePorts(init.listenAddress)
    const proxy = new CaProxy(init, await httpsCertificateOf(init), port)
    await proxy.accept()
    return proxy
  }

  /** PEM that the proxy's own HTTPS certificate is verified with: another one after `cut`. */
  get certificateAuthority(): string {
    return this.#https.certificate
  }

  /** Follows these rules until the returned function is called. */
  disturb(rules: readonly CaRule[]): () => void {
    const key = {}
    this.#rules.set(key, new CaRules(rules))
    return () => this.#rules.delete(key)
  }

  /**
   * Wants the certificates that it was asked about by now renewed at another time, as a CA that must revoke them; those
   * that are issued later as before. The times of the window count from now.
   */
  suggest({ startMs, endMs }: Pick<RenewalWindow, 'startMs' | 'endMs'>): void {
    const now = Date.now()
    for (const path of this.#windows.keys()) {
      this.#windows.set(path, { start: now + startMs, end: now + endMs })
    }
  }

  /** Refuses connections, as a CA that is down. */
  async refuse(): Promise<void> {
    await this.#accepting
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    this.#dropConnections()
    await closed
  }

  /** Accepts connections (again). */
  async accept(): Promise<void> {
    this.#accepting ??= this.#open().finally(() => {
      this.#accepting = undefined
    })
    await this.#accepting
  }

  async #open(): Promise<void> {
    if (this.#server !== undefined) return
    const { certificate, privateKey } = this.#https
    const server = createServer({ cert: certificate, key: privateKey }, (incoming, answer) => {
      this.#serve(incoming, answer).catch(() => answer.destroy())
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('tlsClientError', () => {})
    server.listen({ host: this.#host, port: this.#port })
    await once(server, 'listening')
    this.#server = server
  }

  /** Breaks all connections at once. What the CA has not read yet it never gets. */
  #dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  /**
   * Cuts off whoever is connected, for good: their connections break at once, and the proxy that `accept` brings back
   * has another certificate, which they do not trust. For a dead host in a living process.
   */
  async cut(): Promise<void> {
    const refused = this.refuse()
    this.#https = await httpsCertificateOf(this.#init)
    await refused
  }

  /** Whether the CA leaves TLS to us. */
  get #isPlain(): boolean {
    return this.#upstream.protocol === 'http:'
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.#port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the proxy is closed'))
    await this.refuse()
    this.#agent.destroy()
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    const resource = resourceOf(path)
    const effect = this.#effectOn(resource)
    let replaces: string | undefined
    let nonce: string | undefined
    const record = (status: number, answered: Partial<ProxiedRequest> = {}): void =>
      this.#init.onRequest({
        method: incoming.method ?? '',
        resource,
        path,
        status,
        ...(nonce === undefined ? {} : { nonce }),
        ...answered,
        ...(effect === undefined ? {} : { effect: effect.kind }),
        ...(replaces === undefined ? {} : { replaces }),
      })
    try {
      const body = await readBody(incoming)
      if (resource === 'newOrder') replaces = partOf(body, 'payload')['replaces']
      nonce = partOf(body, 'protected')['nonce']
      const given = await this.#answerTo({ incoming, body, path, effect })
      if (given === undefined || answer.destroyed) {
        record(0)
        incoming.socket.destroy()
        return
      }
      // Before the client can act on it, so that who follows the trace sees causes before effects.
      record(given.status, wordsOf(given))
      answer.writeHead(given.status, given.headers)
      answer.end(given.body)
    } catch (error) {
      record(0)
      throw error
    }
  }

  #effectOn(resource: CaResource): CaEffect | undefined {
    for (const rules of this.#rules.values()) {
      const effect = rules.effectOn(resource)
      if (effect !== undefined) return effect
    }
    return undefined
  }

  /** Undefined: the connection breaks without an answer. */
  async #answerTo(asked: {
    readonly incoming: IncomingMessage
    readonly body: Buffer
    readonly path: string
    readonly effect: CaEffect | undefined
  }): Promise<Answer | undefined> {
    const { incoming, body, path, effect } = asked
    const forward = (): Promise<Answer> => this.#forward(incoming, body)
    if (effect?.kind === 'status') return refusal(effect)
    if (effect?.kind === 'reset' && effect.when === 'before') return undefined
    if (effect?.kind === 'delay') {
      await delay(effect.delayMs, undefined, { signal: this.#closing.signal })
    }
    if (path.startsWith(`${RENEWAL_INFO_PATH}/`)) return this.#renewalInfo(path)
    const answer = await forward()
    if (effect?.kind === 'reset') return undefined
    // The second copy carries a nonce that is spent: a CA that does not see that would act twice.
    if (effect?.kind === 'duplicate') await forward()
    return resourceOf(path) === 'directory' ? this.#directory(answer) : answer
  }

  async #forward(incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const request = this.#isPlain ? httpRequest : httpsRequest
    const outgoing = request({
      agent: this.#agent,
      host: this.#upstream.hostname,
      port: this.#upstream.port,
      path: incoming.url,
      method: incoming.method,
      headers: { ...incoming.headers, connection: 'keep-alive' },
      signal: this.#closing.signal,
    })
    outgoing.end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    const { connection: _hop, 'transfer-encoding': _encoding, ...headers } = response.headers
    return { status: response.statusCode ?? 502, headers, body: await readBody(response) }
  }

  #directory(answer: Answer): Answer {
    if (this.#init.renewalInfo === undefined || answer.status !== 200) return answer
    const directory = JSON.parse(answer.body.toString()) as object
    const renewalInfo = `https://${this.#host}:${this.#port}${RENEWAL_INFO_PATH}`
    return json(200, { ...directory, renewalInfo })
  }

  #renewalInfo(path: string): Answer {
    const { startMs, endMs, retryAfterSeconds } = this.#init.renewalInfo ?? {
      startMs: 0,
      endMs: 1,
      retryAfterSeconds: 1,
    }
    const now = Date.now()
    const window = this.#windows.get(path) ?? { start: now + startMs, end: now + endMs }
    if (this.#windows.size < WINDOWS_MAX) this.#windows.set(path, window)
    const at = (ms: number): string => new Date(ms).toISOString()
    const suggestedWindow = { start: at(window.start), end: at(window.end) }
    return json(200, { suggestedWindow }, { 'retry-after': String(retryAfterSeconds) })
  }
}

function httpsCertificateOf({ listenAddress = LOOPBACK }: CaProxyInit): Promise<HttpsCertificate> {
  return createHttpsCertificate({ hosts: [listenAddress], signatures: 'ed25519' })
}

interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

function refusal({ status, retryAfter }: Extract<CaEffect, { kind: 'status' }>): Answer {
  const type =
    status === 429
      ? 'urn:ietf:params:acme:error:rateLimited'
      : 'urn:ietf:params:acme:error:serverInternal'
  const headers = { 'content-type': 'application/problem+json' }
  const problem = { type, detail: 'the proxy of the scenario says so', status }
  if (retryAfter === undefined) return json(status, problem, headers)
  const until = new Date(Date.now() + retryAfter.seconds * 1000)
  const value = retryAfter.as === 'date' ? until.toUTCString() : String(retryAfter.seconds)
  return json(status, problem, { ...headers, 'retry-after': value })
}

/** A part of a JWS; nothing when it cannot be read. */
function partOf(
  body: Buffer,
  part: 'protected' | 'payload',
): Readonly<Record<string, string | undefined>> {
  // An exception costs more than the rest.
  if (body.length === 0) return {}
  try {
    const jws = JSON.parse(body.toString()) as Readonly<Record<string, string>>
    return JSON.parse(Buffer.from(jws[part] ?? '', 'base64url').toString()) as Record<
      string,
      string
    >
  } catch {
    return {}
  }
}

/** What of an answer tells how it goes on. */
function wordsOf({ headers, body }: Answer): Pick<ProxiedRequest, 'state' | 'retryAfterMs'> {
  const retryAfter = String(headers['retry-after'] ?? '')
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined
  const retryAfterMs = seconds ?? Date.parse(retryAfter) - Date.now()
  return { ...stateOf(body), ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}) }
}

function stateOf(body: Buffer): { readonly state?: string } {
  try {
    const { status } = JSON.parse(body.toString()) as { readonly status?: unknown }
    return typeof status === 'string' ? { state: status } : {}
  } catch {
    return {}
  }
}

function json(status: number, value: object, headers: OutgoingHttpHeaders = {}): Answer {
  const body = Buffer.from(JSON.stringify(value))
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers, 'content-length': body.length },
    body,
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LENGTH_MAX) throw new RangeError(`a body is longer than ${BODY_LENGTH_MAX}`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
