// What a client waits for its certificate, and how many clients can be served at once, beside a minimal ACME client
// driven by hand against the same Pebble: 12 requests an order and nothing else. Its challenges need no protocol, its
// names no proof.
import 'reflect-metadata'
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  sign,
  webcrypto,
  type KeyObject,
} from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answer } from '../impl/dns/answer.ts'
import { ChallengeStore } from '../impl/dns/challenges.ts'
import { openSockets } from '../impl/dns/sockets.ts'
import { createZone } from '../impl/dns/zone.ts'
import { caOptionsFromEnvironment, openAcmeCa, type AcmeCa } from './engine/ca/index.ts'
import { memoryDriver } from './engine/drivers/memory.ts'
import { hosts, type HostPlan } from './engine/scenario.ts'
import { Trace } from './engine/trace.ts'
import { World } from './engine/world.ts'

const ZONE = 'nt.example'
const SERIAL_ORDERS = 40
const PARALLEL = 32
const PARALLEL_ROUNDS = 5
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

interface CaOrder {
  readonly status: string
  readonly certificate?: string
}

/** Only as much of RFC 8555 as a well-meaning CA needs. */
class MinimalAcme {
  readonly #ca: AcmeCa
  readonly #challenges: ChallengeStore
  readonly #agent: Agent
  readonly #key: KeyObject
  readonly #jwk: Record<string, unknown>
  readonly #nonces: string[] = []
  #directory: Record<string, string> = {}
  #account = ''
  /** Pebble stops for ever when authorizations are read while another order is made. */
  #gate: Promise<unknown> = Promise.resolve()

  constructor(ca: AcmeCa, challenges: ChallengeStore) {
    this.#ca = ca
    this.#challenges = challenges
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

  async order(names: readonly string[]): Promise<string> {
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
        this.#challenges.set({ name: identifier.value, value }, performance.now())
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

const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-bench-'))
const caOptions = caOptionsFromEnvironment(process.env)
try {
  const limit = await minimal()
  const ours = await nodetrust()
  report({
    name: 'one issuance, 3 names, obtain() p50',
    unit: 'ms',
    value: ours.serialMs,
    limit: limit.serialMs,
    atMost: 1.5,
  })
  report({
    name: `${PARALLEL} clients in parallel, client CSR`,
    unit: 'certificates/s',
    value: ours.parallelPerSecond,
    limit: limit.parallelPerSecond,
    atLeast: 0.8,
  })
} finally {
  await rm(workDirectory, { recursive: true, force: true })
}
process.exit()

interface Figures {
  readonly serialMs: number
  readonly parallelPerSecond: number
}

async function minimal(): Promise<Figures> {
  const zone = createZone({
    zone: ZONE,
    nameServers: [{ name: `ns1.${ZONE}`, addresses: ['127.0.0.1'] }],
  })
  const challenges = new ChallengeStore()
  const sockets = await openSockets([{ address: '127.0.0.1', port: 0 }], {
    respond: (packet, transport) =>
      answer(packet, { zone, challenges, now: performance.now(), transport }),
    report: { dropped: () => {}, failed: () => {} },
  })
  const ca = await openAcmeCa({
    ...caOptions,
    resolver: `127.0.0.1:${sockets.addresses[0]?.port}`,
    workDirectory,
    signal: AbortSignal.timeout(300_000),
  })
  const acme = new MinimalAcme(ca, challenges)
  await acme.open()
  const figures = await measure(async () => void (await acme.order(randomNames())), PARALLEL)
  acme.close()
  await ca.stop()
  await sockets.close()
  return figures
}

async function nodetrust(): Promise<Figures> {
  const both = (host: HostPlan): HostPlan =>
    host.role === 'client'
      ? // Announcements of a whole zone in one process are not what is measured.
        { ...host, families: [4, 6], options: { announce: false } }
      : { ...host, families: [4, 6] }
  const plan: HostPlan[] = [
    // One for each address, so that connections stay open from one order to the next.
    { name: 'proof1', role: 'proof', families: [4] },
    { name: 'proof2', role: 'proof', families: [6] },
    ...hosts({ dns: 1, issue: 1, client: PARALLEL }).map(both),
  ]
  await using world = await World.open({
    plan: { hosts: plan },
    driver: memoryDriver(),
    trace: new Trace(),
    workDirectory,
    signal: AbortSignal.timeout(300_000),
    ca: caOptions,
    // The limit goes to the CA directly, too.
    caProxied: false,
  })
  let next = 0
  return await measure(async () => {
    // Each time another client, except where one waits for another.
    const client = world.clients[next++ % PARALLEL]
    const { error, certificate } = await world.obtain(client?.name ?? '')
    if (error !== undefined) throw error
    if (certificate.names.length !== 3) throw new Error(`names ${certificate.names.join(', ')}`)
  }, PARALLEL)
}

/** First one after the other, then all at once; the first of each kind only warms up. */
async function measure(obtain: () => Promise<void>, parallel: number): Promise<Figures> {
  for (let count = 0; count < parallel; count++) await obtain()
  const serial: number[] = []
  for (let count = 0; count < SERIAL_ORDERS; count++) {
    const startMs = performance.now()
    await obtain()
    serial.push(performance.now() - startMs)
  }
  const rates: number[] = []
  for (let round = 0; round < PARALLEL_ROUNDS; round++) {
    const startMs = performance.now()
    await Promise.all(Array.from({ length: parallel }, () => obtain()))
    rates.push((parallel / (performance.now() - startMs)) * 1_000)
  }
  return { serialMs: median(serial), parallelPerSecond: median(rates) }
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

function randomNames(): string[] {
  const [a = 0, b = 0, c = 0] = randomBytes(3)
  return [
    `p${randomBytes(16).toString('hex')}.${ZONE}`,
    `ip410-${a}-${b}-${c}.${ZONE}`,
    `ip62001-db8--${a.toString(16)}-${b.toString(16)}.${ZONE}`,
  ]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function report(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[values.length >> 1] ?? 0
}
