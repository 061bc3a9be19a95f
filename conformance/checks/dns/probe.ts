import { randomInt } from 'node:crypto'
import { describeMessage, describeQuery } from '../../dns/describe.ts'
import { readMessage, type Message } from '../../dns/read.ts'
import { exchangeTcp } from '../../dns/tcp.ts'
import {
  addressText,
  exchangeUdp,
  UnreachableError,
  type Reply,
  type Strays,
} from '../../dns/udp.ts'
import { withId, writeQuery, type QueryInit } from '../../dns/write.ts'
import { TYPE } from '../../dns/codes.ts'
import { CheckFailure, type Case, type CheckContext, type Finding } from '../../suite/case.ts'
import type { DnsTarget, Target } from '../../suite/target.ts'
import { byHandOf, lineOf } from './by-hand.ts'

/** One packet and what must come of it. */
export interface Probe {
  /** A query, or bytes that are none. Its id is replaced before it is sent. */
  readonly query: QueryInit | Uint8Array
  /** @default udp */
  readonly transport?: 'udp' | 'tcp'
  /** What the answer must be; the requirement's words. */
  readonly expected: string
  /**
   * Whether an answer is that. A text says what is not perfect and yet conforms: the verdict is `nonstrict`.
   * Absent where only silence will do.
   */
  readonly judge?: (message: Message) => boolean | string
  /** What no answer at all means. @default fail */
  readonly silence?: 'pass' | 'nonstrict' | 'fail'
}

export type ProbeCase = Omit<Case, 'role' | 'run' | 'byHand'> & {
  readonly probes: (target: Target) => readonly Probe[]
  /** Why these probes say nothing of this target. */
  readonly unsupported?: (target: Target) => string | undefined
}

/** Questions of one case that wait for their answers at once: little enough for any server. */
const PROBES_AT_ONCE = 8
const NO_ANSWER = 'no answer, while other queries get one'
/** A server that will not answer is not known to from a shorter silence. */
const SILENCE_MS = 700

/** A case that is a list of packets with what must come of each, sent to every DNS server of the target. */
export function probeCase({ probes, unsupported, ...rest }: ProbeCase): Case {
  return {
    ...rest,
    role: 'dns',
    byHand: (target) => byHandOf(target, probes(target)),
    async run(context) {
      const reason = unsupported?.(context.target)
      if (reason !== undefined) return { verdict: 'unsupported', reason }
      const jobs = context.target.dns.flatMap((server) =>
        probes(context.target).map((probe) => () => runProbe(probe, server, context)),
      )
      const remarks = (await atOnce(jobs, PROBES_AT_ONCE)).filter((remark) => remark !== undefined)
      return nonstrict(remarks)
    },
  }
}

/** Sends one packet and judges; returns what is not perfect. @throws {CheckFailure} */
export async function runProbe(
  probe: Probe,
  server: DnsTarget,
  context: CheckContext,
): Promise<string | undefined> {
  const { judge, silence = judge === undefined ? 'pass' : 'fail', transport = 'udp' } = probe
  const packet = packetOf(probe.query)
  const what = `${describeQuery(packet)} (${transport} ${addressText(server)})`
  const expected = `${probe.expected}, for ${what}`
  const byHand = lineOf(probe, server)
  const strays: Strays = { count: 0 }
  const reply = await exchange(packet, server, context, {
    transport,
    silenceLikely: silence !== 'fail',
    strays,
  })
  if (reply === undefined) {
    if (silence === 'fail') failOnStrays(strays, { expected, byHand })
    await assertAlive(server, context)
    if (silence === 'pass') return undefined
    if (silence === 'nonstrict') return `no answer to ${what}`
    throw new CheckFailure({ expected, actual: NO_ANSWER, byHand })
  }
  const message = readReply(reply.bytes, expected, byHand)
  const judged = judge?.(message) ?? false
  if (judged === true) return undefined
  if (judged === false) {
    throw new CheckFailure({ expected, actual: describeMessage(message), byHand })
  }
  return `${judged}: ${what}`
}

/** One question, its answer read. @throws {CheckFailure} after silence, or when the answer cannot be read */
export async function ask(
  query: QueryInit,
  server: DnsTarget,
  context: CheckContext,
  transport: 'udp' | 'tcp' = 'udp',
): Promise<Message> {
  const packet = packetOf(query)
  const expected = `an answer to ${describeQuery(packet)} (${transport} ${addressText(server)})`
  const strays: Strays = { count: 0 }
  const how = { transport, silenceLikely: false, strays }
  const reply = await exchange(packet, server, context, how)
  const byHand = lineOf({ query, transport, expected: 'an answer' }, server)
  if (reply !== undefined) return readReply(reply.bytes, expected, byHand)
  failOnStrays(strays, { expected, byHand })
  await assertAlive(server, context)
  throw new CheckFailure({ expected, actual: NO_ANSWER, byHand })
}

/** The server is there: it answers the plainest of all questions. @throws {UnreachableError} */
export async function assertAlive(server: DnsTarget, context: CheckContext): Promise<void> {
  const packet = packetOf({ name: context.target.zone, type: TYPE.SOA })
  const strays: Strays = { count: 0 }
  const init = { server, wire: context.wire, signal: context.signal, strays }
  const reply = (await exchangeUdp(packet, init)) ?? (await exchangeTcp(packet, init))
  if (reply !== undefined) return
  const query = { name: context.target.zone, type: TYPE.SOA }
  failOnStrays(strays, {
    expected: `an answer to ${describeQuery(packet)} (${addressText(server)})`,
    byHand: lineOf({ query, expected: 'an answer' }, server),
  })
  throw new UnreachableError(`dns server ${addressText(server)} answers no query at all`)
}

/** A server that sends something else than an answer is there, and wrong. @throws {CheckFailure} */
function failOnStrays(
  { first, count }: Strays,
  failure: { readonly expected: string; readonly byHand: string },
): void {
  if (first === undefined) return
  const others = count > 1 ? `, and ${count - 1} more such` : ''
  throw new CheckFailure({
    ...failure,
    actual: `nothing with the id of the query, but ${bytesText(first)}${others}`,
  })
}

const HEX_BYTES_MAX = 64

/** How many, and how they begin. */
export function bytesText(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, HEX_BYTES_MAX)).toString('hex')
  return `${bytes.length} bytes ${start}${bytes.length > HEX_BYTES_MAX ? '…' : ''}`
}

export function readReply(bytes: Uint8Array, expected: string, byHand?: string): Message {
  try {
    return readMessage(bytes)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CheckFailure({
      expected,
      byHand,
      actual: `${bytesText(bytes)}: ${error.message}`,
    })
  }
}

/** With an id that nobody else uses: not of the seed, as it has no part in what is checked. */
export function packetOf(query: QueryInit | Uint8Array): Uint8Array {
  const packet = query instanceof Uint8Array ? query : writeQuery(query)
  return withId(packet, randomInt(0x10000))
}

/** Runs jobs, so many at a time; the first that fails ends it. */
export async function atOnce<T>(jobs: readonly (() => Promise<T>)[], most: number): Promise<T[]> {
  const results: T[] = []
  const entries = jobs.entries()
  const work = async (): Promise<void> => {
    for (const [index, job] of entries) results[index] = await job()
  }
  await Promise.all(Array.from({ length: most }, work))
  return results
}

/** The finding that remarks make, or none. */
export function nonstrict(remarks: readonly string[]): Finding | undefined {
  const [first] = remarks
  if (first === undefined) return undefined
  const more = remarks.length > 1 ? ` (and ${remarks.length - 1} more)` : ''
  return { verdict: 'nonstrict', reason: `${first}${more}` }
}

async function exchange(
  packet: Uint8Array,
  server: DnsTarget,
  { wire, signal, pace }: CheckContext,
  {
    transport,
    silenceLikely,
    strays,
  }: {
    readonly transport: 'udp' | 'tcp'
    readonly silenceLikely: boolean
    readonly strays: Strays
  },
): Promise<Reply | undefined> {
  const init = { server, wire, signal, strays }
  await pace()
  if (transport === 'tcp') return exchangeTcp(packet, init)
  return exchangeUdp(packet, silenceLikely ? { ...init, triesMax: 1, tryMs: SILENCE_MS } : init)
}
