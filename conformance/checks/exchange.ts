// How checks of libp2p protocols speak with servers: over connections that are closed with the case, with every byte in
// the wire log, and with a bound on every wait.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { streamError } from '../players/connection-error.ts'
import { openCaller, type Caller, type CallerInit } from '../players/caller.ts'
import { CheckFailure, type CheckContext } from '../suite/case.ts'
import { readable } from '../suite/readable.ts'
import type { Target } from '../suite/target.ts'
import {
  DNS01Response,
  errorText,
  frame,
  openStream,
  PROTOCOLS,
  type RawStream,
  type Received,
  type Tap,
  WireError,
} from '../wire/index.ts'
import { patientStream, type PatientStream } from './patient-stream.ts'

/** Servers answer these requests without asking anybody, or refuse a stream: within this time, on any machine. */
export const ANSWER_MS_MAX = 8_000
const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'

export type ServerRole = 'proof' | 'issue' | 'dns01'

/**
 * A new peer of the suite's, ended with the case. Each has an address of its own where that is possible; it calls
 * servers over IPv4 then, unless `family` says otherwise.
 */
export async function newCaller(
  context: CheckContext,
  { family, ...init }: CallerInit & { readonly family?: 4 | 6 | undefined } = {},
): Promise<Caller> {
  const sourceAddress = family === 6 ? undefined : loopbackAddress(context)
  const caller = await openCaller({
    ...(sourceAddress === undefined ? {} : { sourceAddress }),
    ...init,
  })
  context.defer(() => caller.close())
  return caller
}

/**
 * An address in 127/8 for servers on this machine: rates are limited for each address. Only Linux has all of them;
 * whoever calls another address gets there from what the system chooses.
 */
export function loopbackAddress({ target, random }: CheckContext): string | undefined {
  const all = [target.proof.flatMap(({ addresses }) => addresses), target.issue?.addresses ?? []]
  const local = [...all.flat(), ...(target.dns01?.addresses ?? [])].every((address) =>
    /^\/(ip4\/127\.|ip6\/::1\/)/.test(address),
  )
  if (!local || process.platform !== 'linux') return undefined
  const part = (): number => 1 + Math.floor(random() * 250)
  return `127.${part()}.${part()}.${part()}`
}

/** What an address has to be like. */
export interface AddressWish {
  /** @default 4 if there is one */
  readonly family?: 4 | 6
  /** @default tcp */
  readonly transport?: 'tcp' | 'ws'
}

/** Where a role's first server is; undefined where it has no such address. */
export function addressOf(
  target: Target,
  role: ServerRole,
  { family, transport = 'tcp' }: AddressWish = {},
): string | undefined {
  const addresses = role === 'proof' ? target.proof[0]?.addresses : target[role]?.addresses
  const fitting = (addresses ?? []).filter((address) => {
    const components = multiaddr(address).getComponents()
    const isWs = components.some(({ name }) => name === 'ws' || name === 'wss')
    const ofFamily = family === undefined || components[0]?.name === `ip${family}`
    return ofFamily && isWs === (transport === 'ws')
  })
  return fitting.find((address) => address.startsWith('/ip4/')) ?? fitting[0]
}

/** As {@link addressOf}, for cases whose role says that there is a server. */
export function needAddress(target: Target, role: ServerRole, wish?: AddressWish): string {
  const address = addressOf(target, role, wish) ?? addressOf(target, role, { transport: 'ws' })
  if (address === undefined) throw new Error(`the target has no address of the ${role} server`)
  return address
}

export type ProtocolName = keyof typeof PROTOCOLS

/** Whose servers speak a protocol. */
export const ROLE_OF: Readonly<Record<ProtocolName, ServerRole>> = {
  proof: 'proof',
  info: 'issue',
  issue: 'issue',
  renewal: 'issue',
  dns01: 'dns01',
  dns01Remove: 'dns01',
}

export interface OpenInit {
  readonly caller: Caller
  readonly protocol: ProtocolName
  /** @default where the protocol's server is, over TCP */
  readonly address?: string
  /** @default the caller's connection to the server, which is made when there is none */
  readonly connection?: Connection
}

/** Opens a stream of one of the five protocols. A server that does not serve it has failed. */
export async function open(context: CheckContext, init: OpenInit): Promise<PatientStream> {
  const address = init.address ?? needAddress(context.target, ROLE_OF[init.protocol])
  const server = `the ${ROLE_OF[init.protocol]} server at ${address} (${PROTOCOLS[init.protocol]})`
  return patientStream({
    request: context.limits.request(server),
    open: () => openOnce(context, { ...init, address }),
    signal: context.signal,
  })
}

async function openOnce(
  context: CheckContext,
  { caller, protocol, address, ...init }: OpenInit & { readonly address: string },
): Promise<RawStream> {
  const { signal } = context
  await context.pace()
  const connection =
    init.connection?.status === 'open' ? init.connection : await caller.connect(address, { signal })
  try {
    return await openStream(connection, PROTOCOLS[protocol], {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]),
      tap: tapOf(context, { caller, connection, protocol: PROTOCOLS[protocol] }),
    })
  } catch (error) {
    signal.throwIfAborted()
    // Whether a stream that is refused is a failure, some checks judge.
    if ((error as Error).name === 'StreamResetError') throw error
    if ((error as Error).name !== 'UnsupportedProtocolError') {
      throw streamError({ protocol: PROTOCOLS[protocol], address }, error)
    }
    return fail(`the protocol ${PROTOCOLS[protocol]} at ${address}`, 'that it is not served there')
  }
}

/** Records what goes over a stream of a protocol, by its id. */
export function tapOf(
  { wire }: Pick<CheckContext, 'wire'>,
  {
    caller,
    connection,
    protocol,
  }: { readonly caller: Caller; readonly connection: Connection; readonly protocol: string },
): Tap {
  const channel = `${protocol} ${caller.peerId} to ${connection.remotePeer.toString()}`
  return (entry) => wire.record({ ...entry, channel })
}

export interface AnswerInit {
  /** @default {@link ANSWER_MS_MAX} */
  readonly waitMs?: number
  /** What is sent where the request has to be repeated. @default what was sent before */
  readonly remake?: () => Promise<Uint8Array>
}

/** The next message; a server that ends the stream before it, or says nothing, has failed. */
export async function answer(
  { signal }: Pick<CheckContext, 'signal'>,
  stream: PatientStream,
  what: string,
  { waitMs = ANSWER_MS_MAX, remake }: AnswerInit = {},
): Promise<Uint8Array> {
  const next = await stream.next(AbortSignal.any([signal, AbortSignal.timeout(waitMs)]))
  signal.throwIfAborted()
  if (next.message !== undefined) {
    const again = await stream.isRepeated([next.message], remake)
    return again ? answer({ signal }, stream, what, { waitMs, ...given({ remake }) }) : next.message
  }
  const rest = next.rest.length === 0 ? '' : ` after the bytes ${hex(next.rest)} of no whole frame`
  if (next.end === 'open') return fail(what, `silence for ${waitMs} ms${rest}`)
  return fail(what, `a stream that was ${endText(next.end)}${rest}`)
}

/** Everything until the server ends its side, or until the time is over. */
export async function everything(
  { signal }: Pick<CheckContext, 'signal'>,
  stream: PatientStream,
  waitMs: number = ANSWER_MS_MAX,
): Promise<Received> {
  const received = await stream.rest(AbortSignal.any([signal, AbortSignal.timeout(waitMs)]))
  signal.throwIfAborted()
  const again = await stream.isRepeated(received.messages)
  return again ? everything({ signal }, stream, waitMs) : received
}

/** Sends one request on a stream of its own, and reads its answer. */
export async function ask(
  context: CheckContext,
  init: OpenInit & {
    /** Made when it is sent, where it depends on the time. */
    readonly request: Uint8Array | (() => Promise<Uint8Array>)
    readonly what?: string
    readonly waitMs?: number
  },
): Promise<Uint8Array> {
  const stream = await open(context, init)
  const { request, what = 'an answer', waitMs } = init
  const remake = async (): Promise<Uint8Array> =>
    frame(typeof request === 'function' ? await request() : request)
  stream.send(await remake())
  const message = await answer(context, stream, what, { remake, ...given({ waitMs }) })
  stream.closeWrite()
  return message
}

/** Options without those that are undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** The number in the field `error`, which every answer but IssueInfo has. */
export function errorOf(message: Uint8Array): number {
  return decoded(() => DNS01Response.decode(message).error, message, 'the required field error')
}

/** Reads what a server sent; bytes that cannot be read are its failure and not ours. */
export function decoded<T>(read: () => T, bytes: Uint8Array, wanted: string): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof WireError) return fail(wanted, `${error.message}, in ${hex(bytes)}`)
    throw error
  }
}

export function expectCode(actual: number, wanted: number | readonly number[], what: string): void {
  const codes = [wanted].flat()
  if (codes.includes(actual)) return
  fail(`${what}: error ${codes.map(errorText).join(' or ')}`, `error ${errorText(actual)}`)
}

export function fail(expected: string, actual: string): never {
  throw new CheckFailure({ expected, actual })
}

/** How a stream ended, for people. */
export function endText(end: Received['end']): string {
  switch (end) {
    case 'closed':
      return 'closed without an answer'
    case 'reset':
      return 'reset'
    case 'lost':
      return 'lost with its connection'
    case 'open':
      return 'left open'
  }
}

const HEX_BYTES_MAX = 256

export function hex(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, HEX_BYTES_MAX)).toString('hex')
  return bytes.length > HEX_BYTES_MAX ? `${text}… (${bytes.length} bytes)` : text
}

/** Connects, and waits until both sides have told each other by identify who they are. */
export async function connectIdentified(
  { signal, wire }: Pick<CheckContext, 'signal' | 'wire'>,
  caller: Caller,
  address: string,
): Promise<{ readonly connection: Connection; readonly protocols: readonly string[] }> {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>()
  caller.node.addEventListener('peer:identify', ({ detail }) => resolve(detail.protocols), {
    once: true,
  })
  const connection = await caller.connect(address, { signal })
  const late = new Promise<never>((_, reject) => {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)])
    soon.addEventListener('abort', () =>
      reject(
        new Error(
          `the server at ${address} connected, and sent no identify message within ${ANSWER_MS_MAX} ms`,
        ),
      ),
    )
  })
  const protocols = await Promise.race([promise, late])
  tapOf(
    { wire },
    { caller, connection, protocol: IDENTIFY_PROTOCOL },
  )({
    direction: 'received',
    // libp2p reads the message itself, and tells what is in it.
    bytes: new Uint8Array(0),
    note: readable(`lists ${protocols.join(', ')}`),
  })
  return { connection, protocols }
}

/** Whether two byte strings are the same. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

/** The IP version of a multiaddr's first part; undefined where it is a host name. */
export function familyOf(address: string): 4 | 6 | undefined {
  const family = isIP(multiaddr(address).getComponents()[0]?.value ?? '')
  return family === 4 || family === 6 ? family : undefined
}
