import 'reflect-metadata'
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { createHash, generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto'
import { Agent, request } from 'node:https'
import type { AcmeCa } from '../engine/ca/index.ts'

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

interface CaOrder {
  readonly status: string
  readonly certificate?: string
}

/** Makes the value of a challenge visible for a name. */
export type Publish = (name: string, value: string) => Promise<void> | void

/** An ACME client driven by hand: only as much of RFC 8555 as a well-meaning CA needs, 12 requests an order. */
export class MinimalAcme {
  readonly #ca: AcmeCa
  readonly #agent: Agent
  readonly #key: KeyObject
  readonly #jwk: Record<string, unknown>
  readonly #nonces: string[] = []
  #directory: Record<string, string> = {}
  #account = ''
  /** Pebble stops for ever when authorizations are read while another order is made. */
  #gate: Promise<unknown> = Promise.resolve()

  constructor(ca: AcmeCa) {
    this.#ca = ca
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16, ca: ca.certificateAuthority })
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    const { crv, kty, x, y } = publicKey.export({ format: 'jwk' })
    this.#jwk = { crv, kty, x, y }
  }

  async open(): Promise<void> {
    this.#directory = JSON.parse((await this.#send('GET', this.#ca.directoryUrl)).body) as never
    await this.#send('HEAD', this.#directory['newNonce'] ?? '')
    const account = await this.#post(this.#directory['newAccount'] ?? '', {
      termsOfServiceAgreed: true,
    })
    this.#account = account.location
  }

  async order(names: readonly string[], publish: Publish): Promise<string> {
    const csr = await certificateRequest(names)
    const identifiers = names.map((value) => ({ type: 'dns', value }))
    const made = this.#gate.then(async () => {
      const created = await this.#post(this.#directory['newOrder'] ?? '', { identifiers })
      const { authorizations, finalize } = JSON.parse(created.body) as {
        authorizations: string[]
        finalize: string
      }
      const read = await Promise.all(authorizations.map((url) => this.#post(url)))
      return { url: created.location, finalize, bodies: read.map(({ body }) => body) }
    })
    this.#gate = made.catch(() => {})
    const { url, finalize, bodies } = await made
    await Promise.all(
      bodies.map(async (body) => {
        const { identifier, challenges } = JSON.parse(body) as {
          identifier: { value: string }
          challenges: { type: string; url: string; token: string }[]
        }
        const challenge = challenges.find(({ type }) => type === 'dns-01')
        if (challenge === undefined) throw new Error('no dns-01 challenge')
        const value = sha256(`${challenge.token}.${sha256(JSON.stringify(this.#jwk))}`)
        await publish(identifier.value, value)
        await this.#post(challenge.url, {})
      }),
    )
    await this.#poll(url, 'ready')
    await this.#post(finalize, { csr: Buffer.from(csr).toString('base64url') })
    const { certificate = '' } = await this.#poll(url, 'valid')
    return (await this.#post(certificate)).body
  }

  close(): void {
    this.#agent.destroy()
  }

  async #poll(url: string, wanted: string): Promise<CaOrder> {
    for (let waitMs = 1; ; waitMs *= 2) {
      const order = JSON.parse((await this.#post(url)).body) as CaOrder
      if (order.status === wanted) return order
      if (order.status === 'invalid') throw new Error('the order is invalid')
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  async #post(url: string, payload?: unknown): Promise<{ body: string; location: string }> {
    for (;;) {
      const nonce =
        this.#nonces.pop() ??
        (await this.#send('HEAD', this.#directory['newNonce'] ?? ''), this.#nonces.pop())
      const header = {
        alg: 'ES256',
        nonce,
        url,
        ...(this.#account === '' ? { jwk: this.#jwk } : { kid: this.#account }),
      }
      const protectedHeader = Buffer.from(JSON.stringify(header)).toString('base64url')
      const body =
        payload === undefined ? '' : Buffer.from(JSON.stringify(payload)).toString('base64url')
      const signature = sign('sha256', Buffer.from(`${protectedHeader}.${body}`), {
        key: this.#key,
        dsaEncoding: 'ieee-p1363',
      }).toString('base64url')
      const jws = JSON.stringify({ protected: protectedHeader, payload: body, signature })
      const response = await this.#send('POST', url, jws)
      if (response.status < 300) return response
      if (!response.body.includes('badNonce')) throw new Error(response.body)
    }
  }

  async #send(
    method: string,
    url: string,
    body?: string,
  ): Promise<{ status: number; body: string; location: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number
      body: string
      location: string
    }>()
    const headers = { 'content-type': 'application/jose+json', 'user-agent': 'nodetrust-bench' }
    const sent = request(url, { method, agent: this.#agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const nonce = response.headers['replay-nonce']
        if (typeof nonce === 'string') this.#nonces.push(nonce)
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          location: response.headers.location ?? '',
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
    return promise
  }
}

async function certificateRequest(names: readonly string[]): Promise<Uint8Array> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const csr = await Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: 'dns' as const, value })),
        ),
      ],
    },
    webcrypto as never,
  )
  return new Uint8Array(csr.rawData)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
