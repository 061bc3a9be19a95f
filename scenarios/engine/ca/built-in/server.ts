// The CA on the network: one HTTPS server, and the life of what stands behind it. Killed, it forgets everything.
import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { makeAuthority } from './authority.ts'
import { PATHS, type Answer } from './call.ts'
import { messageOf } from './jws.ts'
import { limitRequests } from './limits.ts'
import { settingsOf, type BuiltInCaOptions, type Settings } from './options.ts'
import { Problem } from './problems.ts'
import { findRoute } from './routes.ts'
import { CaState, type Ca, type IssuedCertificate } from './state.ts'

export interface BuiltInCaInit {
  /** Address to listen on. */
  readonly host: string
  readonly port: number
  /** PEM; or `in-front` where something in front of it does TLS: it speaks HTTP then, and names https URLs. @default HTTP */
  readonly https?: { readonly certificate: string; readonly privateKey: string } | 'in-front'
  readonly options: BuiltInCaOptions
  readonly onLog?: (line: string) => void
}

/** Far above a finalization with a request for 100 names. */
const BODY_LENGTH_MAX = 128 * 1024
/** Longer ones are not even read to their end, which a client needs to hear the refusal. */
const BODY_LENGTH_READ_MAX = 16 * BODY_LENGTH_MAX

/** An ACME CA (RFC 8555, RFC 9773) in this process. */
export class BuiltInCa implements AsyncDisposable {
  readonly #init: BuiltInCaInit
  readonly #settings: Settings
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #ca: Ca | undefined
  #end = new AbortController()
  #sleep: PromiseWithResolvers<void> | undefined

  constructor(init: BuiltInCaInit) {
    this.#init = init
    this.#settings = settingsOf(init.options)
  }

  get directoryUrl(): string {
    const { https, host, port } = this.#init
    const name = host.includes(':') ? `[${host}]` : host
    return `${typeof https === 'object' ? 'https' : 'http'}://${name}:${port}${PATHS.directory}`
  }

  /** PEM of the roots it issues under now, the usual one first. @throws {Error} while it is down */
  get rootCertificates(): readonly string[] {
    return this.#running().state.authority.roots
  }

  /** What it has issued since it started. @throws {Error} while it is down */
  get certificates(): readonly IssuedCertificate[] {
    return [...this.#running().state.certificates.values()]
  }

  /** Starts with new keys and nothing else; does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return
    const end = new AbortController()
    const authority = await makeAuthority(this.#settings)
    this.#end = end
    this.#ca = {
      settings: this.#settings,
      state: new CaState(authority, this.#settings),
      signal: end.signal,
      awake: async () => await this.#sleep?.promise,
      log: (line) => {
        if (!end.signal.aborted) this.#init.onLog?.(line)
      },
    }
    const { https, host, port } = this.#init
    const server =
      typeof https !== 'object'
        ? createHttpServer()
        : createHttpsServer({ cert: https.certificate, key: https.privateKey })
    const ca = this.#ca
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#serve(ca, incoming, outgoing).catch(() => outgoing.destroy())
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('tlsClientError', () => {})
    server.listen({ host, port })
    await once(server, 'listening')
    this.#server = server
    ca.log(`ACME directory available at: ${this.directoryUrl}`)
  }

  /** Signs with new keys, below new roots, from now on. What it has issued stays what it was. */
  async changeKeys(): Promise<void> {
    const { state } = this.#running()
    state.authority = await makeAuthority(this.#settings)
    state.keyIds.add(state.authority.keyId)
  }

  /** Ends as a crash would: connections break, and all is forgotten. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#ca = undefined
    this.#end.abort(new Error('the CA is down'))
    this.resume()
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
    await closed
  }

  /** Answers nothing and does nothing until `resume`; connections are accepted. */
  pause(): void {
    this.#running()
    this.#sleep ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#sleep?.resolve()
    this.#sleep = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #running(): Ca {
    if (this.#ca === undefined) throw new Error('the CA does not run, start it first')
    return this.#ca
  }

  async #serve(ca: Ca, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url: target = '/', headers } = incoming
    const scheme = this.#init.https === undefined ? 'http' : 'https'
    const base = `${scheme}://${headers.host ?? ''}`
    const question = target.indexOf('?')
    const path = question === -1 ? target : target.slice(0, question)
    const found = findRoute(path)
    let answer: Answer
    let refusal = ''
    try {
      const body = await readBody(incoming)
      await ca.awake()
      if (found === undefined) throw new Problem('malformed', 'no such path', { status: 404 })
      const { route, id } = found
      const { remoteAddress = '' } = incoming.socket
      limitRequests(ca, route.resource, remoteAddress)
      // RFC 8555 section 6.1.
      if ((headers['user-agent'] ?? '') === '') {
        throw new Problem('malformed', 'All requests MUST include a User-Agent header')
      }
      if (!route.methods.includes(method)) {
        throw new Problem('malformed', 'Method not allowed', {
          status: 405,
          headers: { Allow: route.methods.join(', ') },
        })
      }
      const query = new URLSearchParams(question === -1 ? '' : target.slice(question))
      const url = `${base}${target}`
      answer = await route.handler({
        ca,
        method,
        id,
        query,
        url,
        base,
        remoteAddress,
        headers,
        body,
      })
    } catch (error) {
      const problem =
        error instanceof Problem
          ? error
          : new Problem('serverInternal', `the CA failed: ${messageOf(error)}`)
      refusal = ` ${problem.type}: ${problem.message}`
      answer = {
        status: problem.status,
        headers: { 'Content-Type': 'application/problem+json', ...problem.headers },
        body: problem.document,
      }
    }
    await ca.awake()
    if (outgoing.destroyed) return
    const resource = found?.route.resource
    ca.log(`${method} ${path} -> ${answer.status ?? 200}${refusal}`)
    for (const { url, relation } of answer.links ?? []) {
      outgoing.appendHeader('Link', `<${url}>;rel="${relation}"`)
    }
    // RFC 8555 section 7.1: on all resources but the directory.
    if (resource !== 'directory') {
      outgoing.appendHeader('Link', `<${base}${PATHS.directory}>;rel="index"`)
    }
    // Section 6.5: on every answer to a POST, also on errors, and where one asks for it.
    if (method === 'POST' || resource === 'newNonce') {
      outgoing.setHeader('Replay-Nonce', ca.state.nonces.issue())
      outgoing.setHeader('Cache-Control', 'no-store')
    }
    write(outgoing, method, answer)
  }
}

function write(outgoing: ServerResponse, method: string, answer: Answer): void {
  const { status = 200, headers = {}, body } = answer
  outgoing.statusCode = status
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'Link') outgoing.appendHeader(name, value)
    else outgoing.setHeader(name, value)
  }
  if (typeof body === 'object' && headers['Content-Type'] === undefined) {
    outgoing.setHeader('Content-Type', 'application/json')
  }
  const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '')
  if (status !== 204) outgoing.setHeader('Content-Length', Buffer.byteLength(text))
  outgoing.end(method === 'HEAD' ? undefined : text)
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_LENGTH_READ_MAX) throw new RangeError('the request is too long')
    if (length <= BODY_LENGTH_MAX) chunks.push(chunk)
  }
  if (length > BODY_LENGTH_MAX) {
    throw new Problem('malformed', 'the request is too long', { status: 413 })
  }
  return Buffer.concat(chunks).toString('utf8')
}
