// Orders: a caller's request as it should be, and the certificate that comes of it.
import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto'
import type { Caller } from '../../players/caller.ts'
import { openPlayedCa, type PlayedCa } from '../../players/played-ca.ts'
import { openPlayedDns, type PlayedDns } from '../../players/played-dns.ts'
import type { CheckContext, Finding } from '../../suite/case.ts'
import {
  addressName,
  csrKey,
  ERRORS,
  errorText,
  id0Name,
  makeCsr,
  type CsrInit,
  type IssueRequest,
  type IssueResponse,
} from '../../wire/index.ts'
import { expectCode, fail } from '../exchange.ts'
import { goodProof } from './played-proofs.ts'
import { request } from './request.ts'

/** An order takes seconds, of which a CA may take some; servers give up after 120 s by default (NT-ISSUE-028). */
export const ORDER_MS_MAX = 60_000
/** For a case that waits for an order, and has something to say when that takes too long. */
export const ORDER_CASE_MS = 75_000

export interface OrderWish {
  readonly addresses: readonly string[]
  /** For a certificate signing request. @default none: the server makes the key */
  readonly key?: KeyObject
  /** Bends the request. */
  readonly csr?: Partial<CsrInit>
  readonly waitMs?: number
}

/** All names that a certificate of these addresses has; the id0 name first. */
export function namesOf(
  { target }: Pick<CheckContext, 'target'>,
  { id }: Pick<Caller, 'id'>,
  addresses: readonly string[],
): readonly [string, ...string[]] {
  const names = addresses.map((address) => addressName(address, target.zone))
  return [id0Name(id, target.zone), ...names]
}

/** A request for a certificate with a good proof of these addresses; plays what an order needs from now on. */
export async function orderRequest(
  context: CheckContext,
  caller: Caller,
  { addresses, key, csr }: OrderWish,
): Promise<IssueRequest> {
  await playDns(context)
  const names = namesOf(context, caller, addresses)
  return {
    proofs: [await goodProof(context.target, { id: caller.id, addresses })],
    supportedCryptos: [1],
    ...(key === undefined ? {} : { csr: makeCsr({ names, key: csrKey(key), ...csr }) }),
  }
}

/** Asks for a certificate, and returns what comes. */
export async function order(
  context: CheckContext,
  caller: Caller,
  wish: OrderWish,
): Promise<IssueResponse> {
  const { waitMs } = wish
  const message = await orderRequest(context, caller, wish)
  return sendOrder(context, caller, { ...message, ...(waitMs === undefined ? {} : { waitMs }) })
}

/**
 * Sends a request that comes to the CA. One that failed while the CA behind the suite could not be reached says nothing
 * about the server.
 */
export async function sendOrder(
  context: CheckContext,
  caller: Caller,
  message: Parameters<typeof request>[2],
): Promise<IssueResponse> {
  const ca = await playCa(context)
  const watched = ca?.watch()
  const [settled] = await Promise.allSettled([
    request(context, caller, { waitMs: ORDER_MS_MAX, ...message }),
  ])
  const fault = watched?.()
  const failed = settled.status === 'rejected' || settled.value.error !== ERRORS.OK
  if (fault !== undefined && failed) {
    const { directoryUrl: channel = '' } = context.target.players?.acme?.upstream ?? {}
    context.wire.record({ direction: 'received', channel, bytes: Uint8Array.of(), note: fault })
    throw new Error(fault)
  }
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}

/** A certificate that was issued, opened. */
export interface Issued {
  readonly response: IssueResponse
  readonly leaf: X509Certificate
  /** The leaf first, then what the field ca has. */
  readonly chain: readonly X509Certificate[]
  /** All names that it has to have; the id0 name first. */
  readonly names: readonly [string, ...string[]]
  /** Of the request, where there was one. */
  readonly key: KeyObject | undefined
}

/** Orders, and fails unless a certificate comes. */
export async function obtain(
  context: CheckContext,
  caller: Caller,
  wish: OrderWish,
): Promise<Issued> {
  const response = await order(context, caller, wish)
  expectCode(response.error, ERRORS.OK, 'the certificate for a good request')
  return open(response, { names: namesOf(context, caller, wish.addresses), key: wish.key })
}

/** Reads the certificates of an answer, or fails. */
export function open(
  response: IssueResponse,
  { names, key }: Pick<Issued, 'names' | 'key'>,
): Issued {
  const [leaf] = readPem(response.cert, 'cert')
  if (leaf === undefined) fail('one certificate in PEM in the field cert', 'none')
  return { response, leaf, chain: [leaf, ...readPem(response.ca, 'ca')], names, key }
}

function readPem(text: string | undefined, field: string): readonly X509Certificate[] {
  const blocks = text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) {
    const found = text === undefined ? 'no such field' : JSON.stringify(text.slice(0, 80))
    fail(`certificates in PEM in the field ${field}`, found)
  }
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    return fail(`certificates in the field ${field}`, `PEM of something else: ${String(error)}`)
  }
}

/**
 * An order that many cases look at: made once. It is one case's business that there is a certificate at all, so the
 * others have nothing to say when there is none. Each has its messages, where `make` works with the context that it gets.
 */
export function sharedOrder(
  context: CheckContext,
  name: string,
  make: (recorded: CheckContext) => Promise<Issued>,
): Promise<Issued> {
  return context.shared(`order: ${name}`, async (wire) => {
    return { value: await toLookAt(make({ ...context, wire })), close: async () => {} }
  })
}

/** Without a certificate a case that looks at something else has nothing to say. */
export async function toLookAt(made: Promise<Issued>): Promise<Issued> {
  try {
    return await made
  } catch (error) {
    throw new Error(`there is no certificate to look at: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Players are there before the first check, and for all. */
type PlayersContext = Pick<CheckContext, 'target' | 'shared'>

/** The CA that the suite stands before; undefined where the issue server asks its own. */
export async function playCa(context: PlayersContext): Promise<PlayedCa | undefined> {
  const { acme } = context.target.players ?? {}
  if (acme === undefined) return undefined
  return context.shared('played CA', async () => {
    const value = await openPlayedCa(acme)
    return { value, close: () => value.close() }
  })
}

/** The DNS server that the suite plays; undefined where the target has its own alone. No order without it and the CA. */
export async function playDns(context: PlayersContext): Promise<PlayedDns | undefined> {
  await playCa(context)
  const { dns } = context.target.players ?? {}
  if (dns === undefined) return undefined
  return context.shared('played DNS server', async () => {
    const value = await openPlayedDns(dns)
    return { value, close: () => value.close() }
  })
}

/** For cases in which the player decides whether an order succeeds. */
export async function playOnlyDns(context: CheckContext): Promise<PlayedDns | Finding> {
  const played = await playDns(context)
  if (played !== undefined && context.target.players?.dns?.only === true) return played
  return {
    verdict: 'unsupported',
    reason: 'the issue server writes to other DNS servers than the suite’s as well',
  }
}

export function isFinding(played: PlayedDns | Finding): played is Finding {
  return 'verdict' in played
}

export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** DNS names of a certificate, as they stand there; others with their type. */
export function namesIn(leaf: X509Certificate): readonly string[] {
  const entries = (leaf.subjectAltName ?? '').split(', ').filter((entry) => entry !== '')
  return entries.map((entry) => entry.replace(/^DNS:/, ''))
}

/** The common name of a certificate; undefined where it has none. */
export function commonNameOf(leaf: X509Certificate): string | undefined {
  return /(?:^|\n)CN=(.*)/.exec(leaf.subject)?.[1]
}

/** Fails unless the order fails with this error. */
export function expectOrderError(response: IssueResponse, error: number, what: string): void {
  if (response.error === error) return
  fail(`error ${errorText(error)} after ${what}`, `error ${errorText(response.error)}`)
}
