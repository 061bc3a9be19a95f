// A CA that does as it is told, for tests: by default one account, one order and its steps, and for any
// request a fault in place of the answer. It checks nonces and signatures as a real one does.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

import { EmbeddedJWK, flattenedVerify, importJWK } from 'jose'
import type { FlattenedJWS, JWK } from 'jose'

import type { AcmeResource } from './problems.ts'

/** Answers in place of the CA; `next` gives the CA's own answer. */
export type Fault = (answer: Answer, next: () => void) => void

export interface Answer {
  readonly request: SeenRequest
  readonly response: ServerResponse
  readonly json: (status: number, body: unknown, headers?: Record<string, string>) => void
  readonly problem: (status: number, type: string, headers?: Record<string, string>) => void
}

export interface SeenRequest {
  readonly resource: AcmeResource
  readonly method: string
  readonly userAgent: string
  readonly header: Readonly<Record<string, unknown>>
  /** Undefined for what is not a JWS and for a POST-as-GET. */
  readonly payload: unknown
}

export class TestCa implements AsyncDisposable {
  /** All that was asked, in the order of arrival. */
  readonly requests: SeenRequest[] = []
  /** Requests under way now. */
  readonly active: AcmeResource[] = []
  /** What the order says; changed by the test. */
  order: Record<string, unknown> = {}
  challenge: Record<string, unknown> = {}
  /** Beside what every directory has. */
  directory: Record<string, unknown> = {}
  /** Chains by the end of their URL. */
  readonly chains = new Map<string, string>()
  accounts = 0
  readonly url: string
  readonly #server: ReturnType<typeof createServer>
  readonly #sockets = new Set<Socket>()
  readonly #faults = new Map<AcmeResource, { readonly fault: Fault; times: number }>()
  readonly #nonces = new Set<string>()
  #nonceNumber = 0
  #publicJwk: JWK | undefined

  static async open(): Promise<TestCa> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TestCa(server)
  }

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    const { port } = server.address() as AddressInfo
    this.url = `http://127.0.0.1:${port}`
    server.on('connection', (socket) => this.#sockets.add(socket))
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    })
  }

  get directoryUrl(): string {
    return `${this.url}/directory`
  }

  /** Puts a fault in place of the next answers about a resource. */
  fault(resource: AcmeResource, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#faults.set(resource, { fault, times })
  }

  /** As a restart does: no nonce that was given is good any more. */
  forgetNonces(): void {
    this.#nonces.clear()
  }

  count(resource: AcmeResource): number {
    return this.requests.filter((request) => request.resource === resource).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const resource = (message.url ?? '').split('/')[1] as AcmeResource
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    this.active.push(resource)
    response.on('close', () => this.active.splice(this.active.indexOf(resource), 1))
    const text = Buffer.concat(chunks).toString()
    const nonce = `nonce-${(this.#nonceNumber += 1)}`
    this.#nonces.add(nonce)
    response.setHeader('replay-nonce', nonce)
    const json: Answer['json'] = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(body))
    }
    const problem: Answer['problem'] = (status, type, headers) =>
      json(status, { type: `urn:ietf:params:acme:error:${type}`, detail: `test ${type}` }, headers)
    const verified = text === '' ? { header: {}, payload: undefined } : await this.#verify(text)
    const request: SeenRequest = {
      resource,
      method: message.method ?? '',
      userAgent: message.headers['user-agent'] ?? '',
      ...verified,
    }
    this.requests.push(request)
    const answer: Answer = { request, response, json, problem }
    const next = (): void => {
      const { nonce: used, url } = request.header
      if (text !== '' && !this.#nonces.delete(String(used))) problem(400, 'badNonce')
      else if (text !== '' && url !== `${this.url}${message.url}`) problem(401, 'unauthorized')
      else this.#answer(answer, message.url ?? '')
    }
    const planned = this.#faults.get(resource)
    if (planned === undefined || planned.times <= 0) return next()
    planned.times -= 1
    planned.fault(answer, next)
  }

  async #verify(text: string): Promise<Pick<SeenRequest, 'header' | 'payload'>> {
    const jws = JSON.parse(text) as FlattenedJWS
    const header = JSON.parse(Buffer.from(jws.protected ?? '', 'base64url').toString()) as {
      readonly jwk?: JWK
    }
    this.#publicJwk ??= header.jwk
    const key =
      header.jwk === undefined ? await importJWK(this.#publicJwk ?? {}, 'ES256') : EmbeddedJWK
    const { payload } = await flattenedVerify(jws, key as typeof EmbeddedJWK)
    const body = Buffer.from(payload).toString()
    return { header, payload: body === '' ? undefined : JSON.parse(body) }
  }

  #answer({ request, response, json }: Answer, path: string): void {
    const { url } = this
    const challenge = {
      type: 'dns-01',
      url: `${url}/challenge/1`,
      status: 'pending',
      token: 'token',
      ...this.challenge,
    }
    const order = {
      status: 'pending',
      identifiers: [{ type: 'dns', value: 'a.example' }],
      authorizations: [1, 2, 3].map((number) => `${url}/authorization/${number}`),
      finalize: `${url}/finalize/1`,
      certificate: `${url}/certificate/1`,
      ...this.order,
    }
    switch (request.resource) {
      case 'directory':
        return json(200, {
          newNonce: `${url}/nonce`,
          newAccount: `${url}/account`,
          newOrder: `${url}/newOrder`,
          revokeCert: `${url}/revocation`,
          ...this.directory,
        })
      case 'nonce':
        return void response.writeHead(200).end()
      case 'account':
        this.accounts += 1
        return json(201, { status: 'valid' }, { location: `${url}/account/${this.accounts}` })
      case 'newOrder':
        return json(201, order, { location: `${url}/order/1` })
      case 'order':
      case 'finalize':
        return json(200, order)
      case 'authorization':
        return json(200, {
          identifier: { type: 'dns', value: 'a.example' },
          status: 'pending',
          challenges: [challenge],
        })
      case 'challenge':
        return json(200, challenge)
      case 'certificate': {
        const alternates = [...this.chains.keys()].filter((end) => end !== '1')
        const link = alternates.map((end) => `<${url}/certificate/${end}>;rel="alternate"`)
        response.writeHead(200, { link: [`<${url}/directory>;rel="index"`, ...link] })
        return void response.end(this.chains.get(path.split('/')[2] ?? ''))
      }
      case 'revocation':
        return void response.writeHead(200).end()
      case 'renewalInfo':
        return json(200, {
          suggestedWindow: { start: '2030-01-01T00:00:00Z', end: '2030-01-02T00:00:00Z' },
        })
    }
  }
}
