// A stub resolver as c-ares is one: asks each server in turn, by UDP and then by TCP where an answer is cut.
import { decode, encode, RECURSION_DESIRED, type Answer, type Packet } from 'dns-packet'
import { randomInt } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { endpoint, NetworkError, type TcpSocket } from '../network/index.ts'
import type { HostNet } from './hosts.ts'

/** What c-ares calls its queries, and the types that they ask for. */
export const QUERY_TYPES = {
  queryA: 'A',
  queryAaaa: 'AAAA',
  queryCaa: 'CAA',
  queryCname: 'CNAME',
  queryMx: 'MX',
  queryNs: 'NS',
  queryPtr: 'PTR',
  querySoa: 'SOA',
  querySrv: 'SRV',
  queryTxt: 'TXT',
} as const

export type QueryType = (typeof QUERY_TYPES)[keyof typeof QUERY_TYPES]

export interface ResolveOptions {
  readonly net: HostNet
  readonly servers: readonly { readonly address: string; readonly port: number }[]
  readonly timeoutMs: number
  readonly tries: number
  /** Its reason is the code that the question ends with. */
  readonly signal: AbortSignal
}

/** As Node's requests want it. */
export interface Resolved {
  /** c-ares' name of what went wrong. */
  readonly code?: string
  readonly result?: readonly unknown[] | object
  readonly ttls?: readonly number[]
}

const ID_MAX = 0xffff
const CODES: Readonly<Record<string, string>> = {
  NXDOMAIN: 'ENOTFOUND',
  SERVFAIL: 'ESERVFAIL',
  REFUSED: 'EREFUSED',
  FORMERR: 'EFORMERR',
  NOTIMP: 'ENOTIMP',
}
/** c-ares asks another server when it gets one of these. */
const TRIES_ANOTHER = new Set(['SERVFAIL', 'NOTIMP', 'REFUSED'])

/** Asks until somebody answers; `done` is called once, and never before this returns. */
export function resolve(
  name: string,
  type: QueryType,
  options: ResolveOptions,
  done: (resolved: Resolved) => void,
): void {
  const { servers, tries, timeoutMs, signal } = options
  let turn = 0
  let last: Resolved = { code: servers.length === 0 ? 'ECONNREFUSED' : 'ETIMEOUT' }
  let stop: (() => void) | undefined
  const end = (resolved: Resolved): void => {
    signal.removeEventListener('abort', abort)
    stop?.()
    done(resolved)
  }
  const abort = (): void => end({ code: String(signal.reason) })
  const next = (): void => {
    stop?.()
    const server = servers[turn % servers.length]
    if (server === undefined || turn >= tries * servers.length) return end(last)
    const waitMs = timeoutMs * 2 ** Math.floor(turn / servers.length)
    turn += 1
    const timer = setTimeout(() => {
      last = { code: 'ETIMEOUT' }
      next()
    }, waitMs)
    const question = { name, type, server, net: options.net }
    const close = ask(question, (answer) => {
      if (answer === undefined) {
        last = { code: 'ECONNREFUSED' }
        return next()
      }
      // Types of dns-packet lack the code of an answer.
      const { rcode = 'NOERROR' } = answer as Packet & { readonly rcode?: string }
      if (rcode === 'NOERROR') return end(read(type, name, answer))
      last = { code: CODES[rcode] ?? 'EBADRESP' }
      if (TRIES_ANOTHER.has(rcode)) next()
      else end(last)
    })
    stop = () => {
      clearTimeout(timer)
      close()
    }
  }
  signal.addEventListener('abort', abort, { once: true })
  setImmediate(next)
}

interface Question {
  readonly name: string
  readonly type: QueryType
  readonly server: ResolveOptions['servers'][number]
  readonly net: HostNet
}

/** One server's answer; undefined where it is not there. Returns the way to ask no longer. */
function ask(question: Question, answered: (answer: Packet | undefined) => void): () => void {
  const { name, type, server, net } = question
  const id = randomInt(0, ID_MAX + 1)
  const query = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type }],
  })
  let close = (): void => {}
  try {
    const socket = net.machine.bindUdp({
      address: isIPv6(server.address) ? '::' : '0.0.0.0',
      port: 0,
      sink: {
        failed: () => answered(undefined),
        message(bytes) {
          const answer = readPacket(bytes, id)
          if (answer === undefined) return
          if (answer.flag_tc !== true) return answered(answer)
          socket.close()
          close = askByTcp(query, id, question, answered)
        },
      },
    })
    close = () => socket.close()
    const to = endpoint(server.address, server.port)
    socket.connect(to)
    socket.send(query, to)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    setImmediate(() => answered(undefined))
  }
  return () => close()
}

function askByTcp(
  query: Uint8Array,
  id: number,
  { server, net }: Question,
  answered: (answer: Packet | undefined) => void,
): () => void {
  let pending = Buffer.alloc(0)
  const socket: TcpSocket = net.machine.connect({
    to: server,
    sink: {
      connected() {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(query.length)
        socket.write(Buffer.concat([length, query]))
        socket.startReading()
      },
      failed: () => answered(undefined),
      ended: () => answered(undefined),
      drained() {},
      data(bytes) {
        pending = Buffer.concat([pending, bytes])
        if (pending.length < 2 || pending.length < 2 + pending.readUInt16BE(0)) return
        const answer = readPacket(pending.subarray(2, 2 + pending.readUInt16BE(0)), id)
        answered(answer)
      },
    },
  })
  return () => socket.close()
}

type FlaggedPacket = Packet & { readonly flag_tc?: boolean }

function readPacket(bytes: Uint8Array, id: number): FlaggedPacket | undefined {
  try {
    const packet: FlaggedPacket = decode(Buffer.from(bytes))
    return packet.id === id && packet.type === 'response' ? packet : undefined
  } catch {
    return undefined
  }
}

/** Follows aliases as far as the answer itself knows them. */
function read(type: QueryType, name: string, { answers = [] }: Packet): Resolved {
  const owners = new Set([name.toLowerCase()])
  for (const answer of answers) {
    if (answer.type === 'CNAME' && owners.has(answer.name.toLowerCase())) {
      owners.add(answer.data.toLowerCase())
    }
  }
  const found = answers.filter(
    (answer) => answer.type === type && owners.has(answer.name.toLowerCase()),
  )
  const [first] = found
  if (first === undefined) return { code: 'ENODATA' }
  const values = found.map(valueOf)
  return {
    result: type === 'SOA' ? (values[0] as object) : values,
    ttls: found.map((answer) => ('ttl' in answer ? (answer.ttl ?? 0) : 0)),
  }
}

/** As Node gives it. */
function valueOf(answer: Answer): unknown {
  if (answer.type === 'TXT') return [answer.data].flat().map((text) => text.toString())
  if (answer.type === 'MX') {
    return { exchange: answer.data.exchange, priority: answer.data.preference ?? 0 }
  }
  if (answer.type === 'SRV') {
    const { target, port, priority = 0, weight = 0 } = answer.data
    return { name: target, port, priority, weight }
  }
  if (answer.type === 'CAA') {
    return { critical: answer.data.flags ?? 0, [answer.data.tag]: answer.data.value }
  }
  if (answer.type === 'SOA') {
    const { mname, rname, serial, refresh, retry, expire, minimum } = answer.data
    return { nsname: mname, hostmaster: rname, serial, refresh, retry, expire, minttl: minimum }
  }
  return 'data' in answer ? answer.data : undefined
}
