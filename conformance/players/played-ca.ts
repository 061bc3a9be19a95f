// Stands where the issue server under test expects its CA: hands every request on to a real one, sees what is asked of
// it, and refuses what a case's script says. The CA has to build its URLs from the Host header, as Pebble does.
import { once } from 'node:events'
import { Agent, createServer, request as httpsRequest } from 'node:https'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AGENT } from '../suite/agent.ts'
import type { Players } from '../suite/target.ts'

/** A request that an ACME client has signed, as far as cases care. */
export interface CaRequest {
  readonly step: 'newOrder' | 'finalize'
  /** Of a new order, in lower case. */
  readonly names: readonly string[]
  /** Of a finalization: DER. */
  readonly csr?: Uint8Array
}

/** How the CA refuses to make an order for some names. */
export interface CaScript {
  /** The ACME problem's type, such as `rateLimited` (RFC 8555 §6.7). */
  readonly problem: string
  readonly status: number
  /** When to come again. @default nothing is said of that */
  readonly retryAfterSeconds?: number
  /** Refuses so many times, then hands on. @default always */
  readonly count?: number
}

export interface PlayedCa {
  /** What was asked for, in order. */
  readonly requests: readonly CaRequest[]
  /** Follows a script for orders with this name until the returned function is called. */
  follow(name: string, script: CaScript): () => void
  /** Until the returned function is called: why the CA behind could not be reached, if so. What fails then says nothing. */
  watch(): () => string | undefined
  /**
   * Looks for the directory of the CA behind. Returns why it cannot be reached; undefined where it is there.
   * @throws {Error} where something else is there
   */
  lookForDirectory(): Promise<string | undefined>
  close(): Promise<void>
}

/** Requests and answers of ACME are a few KiB. */
const BODY_BYTES_MAX = 1 << 20
/** CAs answer at once, also where an order takes long; less than checks wait for an order. */
const UPSTREAM_MS_MAX = 30_000
/** A run waits for it. */
const DIRECTORY_MS_MAX = 5_000

export async function openPlayedCa(init: NonNullable<Players['acme']>): Promise<PlayedCa> {
  const played = new Played(init)
  const server = createServer(
    { cert: init.certificate, key: init.privateKey },
    (incoming, answer) => {
      played.serve(incoming, answer).catch(() => answer.destroy())
    },
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen({ host: init.listen.address, port: init.listen.port })
  await once(server, 'listening')
  return {
    requests: played.requests,
    follow: (name, script) => played.follow(name, script),
    watch: () => played.watch(),
    lookForDirectory: () => played.lookForDirectory(),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
      played.close()
    },
  }
}

class Played {
  readonly requests: CaRequest[] = []
  readonly #upstream: URL
  readonly #agent: Agent
  readonly #scripts = new Map<string, { readonly script: CaScript; done: number }>()
  /** Of the last exchange with the CA behind. */
  #fault: string | undefined
  readonly #watchers = new Set<(fault: string) => void>()

  constructor({ upstream }: NonNullable<Players['acme']>) {
    this.#upstream = new URL(upstream.directoryUrl)
    this.#agent = new Agent({
      keepAlive: true,
      ...(upstream.certificateAuthority === undefined ? {} : { ca: upstream.certificateAuthority }),
    })
  }

  follow(name: string, script: CaScript): () => void {
    this.#scripts.set(name, { script, done: 0 })
    return () => void this.#scripts.delete(name)
  }

  watch(): () => string | undefined {
    let first = this.#fault
    const watcher = (fault: string): void => {
      first ??= fault
    }
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      return first
    }
  }

  async lookForDirectory(): Promise<string | undefined> {
    const answer = await this.#get(this.#upstream.pathname, DIRECTORY_MS_MAX).catch(() => undefined)
    if (answer === undefined) return this.#fault
    if (!answer.body.includes('"newNonce"')) {
      throw new Error(`there is no ACME directory at ${this.#upstream.href} (${answer.status})`)
    }
    return undefined
  }

  close(): void {
    this.#agent.destroy()
  }

  async serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await readBody(incoming)
    const asked = readRequest(body)
    if (asked !== undefined) this.requests.push(asked)
    const script = asked === undefined ? undefined : this.#scriptFor(asked)
    try {
      if (script !== undefined) return await this.#refuse(answer, script)
      const { status, headers, body: given } = await this.#forward(incoming, body)
      answer.writeHead(status, headers).end(given)
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      answer.writeHead(502, { 'content-type': 'text/plain' }).end(error.message)
    }
  }

  #scriptFor({ step, names }: CaRequest): CaScript | undefined {
    if (step !== 'newOrder') return undefined
    for (const name of names) {
      const found = this.#scripts.get(name)
      if (found === undefined || found.done >= (found.script.count ?? Infinity)) continue
      found.done += 1
      return found.script
    }
    return undefined
  }

  /** With a nonce that is good: only what the script says is wrong. */
  async #refuse(
    answer: ServerResponse,
    { problem, status, retryAfterSeconds }: CaScript,
  ): Promise<void> {
    const headers: OutgoingHttpHeaders = { 'content-type': 'application/problem+json' }
    const directory = await this.#get(this.#upstream.pathname)
    const { newNonce } = JSON.parse(directory.body.toString()) as { readonly newNonce: string }
    const nonce = await this.#get(new URL(newNonce).pathname)
    headers['replay-nonce'] = nonce.headers['replay-nonce']
    if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
    const type = `urn:ietf:params:acme:error:${problem}`
    answer.writeHead(status, headers)
    answer.end(JSON.stringify({ type, status, detail: 'the suite says so' }))
  }

  #get(path: string, timeoutMs = UPSTREAM_MS_MAX): Promise<Answer> {
    return this.#exchange(
      { path, method: 'GET', headers: { 'user-agent': AGENT } },
      Buffer.alloc(0),
      timeoutMs,
    )
  }

  #forward({ url = '/', method = 'GET', headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    return this.#exchange(
      { path: url, method, headers: { ...headers, connection: 'keep-alive' } },
      body,
    )
  }

  async #exchange(
    asked: {
      readonly path: string
      readonly method: string
      readonly headers: OutgoingHttpHeaders
    },
    body: Buffer,
    timeoutMs = UPSTREAM_MS_MAX,
  ): Promise<Answer> {
    const { hostname, port } = this.#upstream
    const signal = AbortSignal.timeout(timeoutMs)
    const outgoing = httpsRequest({ agent: this.#agent, host: hostname, port, signal, ...asked })
    // Also once there is a response, when nobody waits for it any more.
    outgoing.on('error', () => {})
    try {
      outgoing.end(body)
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      const { connection: _hop, 'transfer-encoding': _encoding, ...headers } = response.headers
      const given = await readBody(response)
      this.#fault = undefined
      return { status: response.statusCode ?? 502, headers, body: given }
    } catch (cause) {
      // A connection that the CA has ended since it was last used.
      const { code } = cause as { readonly code?: string }
      if (outgoing.reusedSocket && code === 'ECONNRESET') {
        return this.#exchange(asked, body, timeoutMs)
      }
      const why = signal.aborted ? `no answer in ${timeoutMs} ms` : errorText(cause)
      const fault = `the CA behind the suite cannot be reached: ${this.#upstream.href} (${why})`
      this.#fault = fault
      for (const watcher of this.#watchers) watcher(fault)
      throw new UpstreamError(fault, { cause })
    }
  }
}

class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
}

/** Where a name has several addresses, none of which can be connected to, only the code says anything. */
function errorText(error: unknown): string {
  const { message = '', code = '' } = error as { readonly message?: string; readonly code?: string }
  return message === '' ? code : message
}

interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

/** What a signed request (RFC 8555 §6.2) asks for, told apart by what its payload has. */
function readRequest(body: Buffer): CaRequest | undefined {
  try {
    const { payload } = JSON.parse(body.toString()) as { readonly payload: string }
    const said = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      readonly identifiers?: readonly { readonly value: string }[]
      readonly csr?: string
    }
    if (said.identifiers !== undefined) {
      return { step: 'newOrder', names: said.identifiers.map(({ value }) => value.toLowerCase()) }
    }
    if (said.csr === undefined) return undefined
    const csr = Uint8Array.from(Buffer.from(said.csr, 'base64url'))
    return { step: 'finalize', names: [], csr }
  } catch {
    // Of everything else nothing needs to be known.
    return undefined
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`a body of more than ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
