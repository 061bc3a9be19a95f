// An ACME client without opinions: sends what a row of the table says, also what no client should send.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto'
import { Agent, request } from 'node:https'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Empty where the answer is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>
  /** The problem's type without its prefix; empty where there is none. */
  readonly problem: string
  /** URLs of Link headers. */
  links(relation: string): readonly string[]
}

export interface Key {
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
  readonly alg: string
}

/** What is other than a good request has. */
export interface Sent {
  /** Undefined leaves the header out. */
  readonly header?: Readonly<Record<string, unknown>>
  readonly contentType?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Changes the JWS before it is sent. */
  readonly jws?: (jws: Readonly<Record<string, string>>) => unknown
}

export interface Account {
  readonly key: Key
  readonly url: string
}

const PREFIX = 'urn:ietf:params:acme:error:'
const TIMEOUT_MS = 20_000

export class RawClient {
  readonly #agent: Agent
  readonly #directoryUrl: string
  #directory: Readonly<Record<string, string>> | undefined

  constructor(ca: { readonly directoryUrl: string; readonly certificateAuthority: string }) {
    this.#directoryUrl = ca.directoryUrl
    this.#agent = new Agent({ keepAlive: true, ca: ca.certificateAuthority })
  }

  close(): void {
    this.#agent.destroy()
  }

  async send(
    method: string,
    url: string,
    { headers = {}, body }: { readonly headers?: object; readonly body?: string } = {},
  ): Promise<Reply> {
    const outgoing = request(url, {
      method,
      agent: this.#agent,
      // Undefined takes one away.
      headers: Object.fromEntries(
        Object.entries({ 'User-Agent': 'table', ...headers }).filter(
          ([, value]) => value !== undefined,
        ),
      ),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    outgoing.end(body)
    let incoming: IncomingMessage
    try {
      ;[incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    } catch (error) {
      // A kept connection to a CA that was killed meanwhile: the CA has not seen the request.
      const broken = (error as NodeJS.ErrnoException).code === 'ECONNRESET'
      if (!broken || !outgoing.reusedSocket) throw error
      return await this.send(method, url, { headers, ...(body === undefined ? {} : { body }) })
    }
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    return replyOf(incoming, Buffer.concat(chunks).toString())
  }

  async url(resource: string): Promise<string> {
    this.#directory ??= (await this.send('GET', this.#directoryUrl)).json as Record<string, string>
    return this.#directory[resource] ?? ''
  }

  get directoryUrl(): string {
    return this.#directoryUrl
  }

  async nonce(): Promise<string> {
    const reply = await this.send('HEAD', await this.url('newNonce'))
    return String(reply.headers['replay-nonce'])
  }

  /** Posts a signed request in the name of an account, or, where that has no URL, with the key in it. */
  async post(
    url: string,
    payload: unknown,
    { key, url: kid }: { readonly key: Key; readonly url?: string },
    sent: Sent = {},
  ): Promise<Reply> {
    const header = {
      alg: key.alg,
      ...('nonce' in (sent.header ?? {}) ? {} : { nonce: await this.nonce() }),
      url,
      ...(kid === undefined ? { jwk: key.jwk } : { kid }),
      ...sent.header,
    }
    const jws = signed(header, payload, key)
    const type = 'contentType' in sent ? sent.contentType : 'application/jose+json'
    return await this.send('POST', url, {
      headers: { ...(type === undefined ? {} : { 'Content-Type': type }), ...sent.headers },
      body: JSON.stringify(sent.jws?.(jws) ?? jws),
    })
  }

  /** Reads what is there for the account. */
  async get(url: string, account: Account): Promise<Reply> {
    return await this.post(url, '', account)
  }

  async account(key: Key = makeKey(), wanted: object = {}): Promise<Account> {
    const reply = await this.newAccount(key, wanted)
    if (reply.status > 201) throw new Error(`no account: ${reply.text}`)
    return { key, url: String(reply.headers.location) }
  }

  async newAccount(key: Key, wanted: object = {}, sent: Sent = {}): Promise<Reply> {
    const payload = { termsOfServiceAgreed: true, ...wanted }
    return await this.post(await this.url('newAccount'), payload, { key }, sent)
  }

  async newOrder(account: Account, names: readonly string[], more: object = {}): Promise<Reply> {
    const identifiers = names.map((value) => ({ type: 'dns', value }))
    return await this.post(await this.url('newOrder'), { identifiers, ...more }, account)
  }
}

/** A flattened JWS; a text is the payload as it is, else it is JSON. */
export function signed(
  header: object,
  payload: unknown,
  { privateKey, alg }: Key,
): Readonly<Record<string, string>> {
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const [protectedHeader, body] = [encode(JSON.stringify(header)), encode(text)]
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`
  const signature = sign(hash, Buffer.from(`${protectedHeader}.${body}`), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return {
    protected: protectedHeader,
    payload: body,
    signature: signature.toString('base64url'),
  }
}

export function makeKey(alg: 'ES256' | 'ES384' | 'RS256' | 'EdDSA' = 'ES256', bits = 2048): Key {
  const { privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' })
  return keyOf(privateKey, alg)
}

export function keyOf(privateKey: KeyObject | string, alg = 'ES256'): Key {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey
  return { privateKey: key, jwk: { ...createPublicKey(key).export({ format: 'jwk' }) }, alg }
}

/** What the TXT record of a challenge must hold (RFC 8555 section 8.4). */
export function dns01Value(token: string, { jwk }: Key): string {
  // RFC 7638: the required members in lexical order.
  const members = Object.entries(jwk).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')
  return digest(`${token}.${digest(JSON.stringify(Object.fromEntries(members)))}`)
}

function replyOf(incoming: IncomingMessage, text: string): Reply {
  const { statusCode: status = 0, headers } = incoming
  const json = parse(text)
  const type = typeof json['type'] === 'string' ? json['type'] : ''
  const links = [incoming.headers.link ?? []].flat().flatMap((header) => header.split(/,\s*(?=<)/))
  return {
    status,
    headers,
    text,
    json,
    problem: type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '',
    links: (relation) =>
      links.flatMap((link) => {
        const found = /^<([^>]*)>;\s*rel="?([\w-]+)"?/.exec(link)
        return found?.[2] === relation ? [found[1] ?? ''] : []
      }),
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
