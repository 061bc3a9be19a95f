import type { Socket } from 'node:dgram'
import type { Host } from './hosts.ts'

const HEADER_LENGTH = 12
/** NXDOMAIN, RFC 1035 section 4.1.1. */
const NAME_ERROR = 3
const QUESTION_END_LENGTH = 5

/**
 * Has a DNS server deny, over UDP, every name that it would answer for: until so long after the name was first asked for,
 * and in any case until the returned function is called.
 */
export function denyAnswers(host: Host, lagMs: number): () => void {
  const firstAsked = new Map<string, number>()
  const ends = host.udpSockets.map((socket) =>
    intercept(socket, (response) => {
      const end = questionEnd(response)
      if (end === undefined || response.readUInt16BE(6) === 0) return response
      const question = response.toString('latin1', HEADER_LENGTH, end)
      const since = firstAsked.get(question) ?? performance.now()
      firstAsked.set(question, since)
      return performance.now() - since < lagMs ? denial(response, end) : response
    }),
  )
  return () => {
    for (const end of ends) end()
  }
}

type Change = (response: Buffer) => Buffer

/** What is done to the answers of a socket; several at once, and each ends by itself. */
const changes = new WeakMap<Socket, Set<Change>>()

function intercept(socket: Socket, change: Change): () => void {
  const known = changes.get(socket)
  if (known !== undefined) {
    known.add(change)
    return () => known.delete(change)
  }
  const all = new Set([change])
  changes.set(socket, all)
  const send = socket.send.bind(socket) as (...parameters: unknown[]) => void
  const lying = (message: Uint8Array, offset: number, length: number, ...to: unknown[]): void => {
    let bytes = Buffer.from(message.buffer, message.byteOffset + offset, length)
    for (const each of all) bytes = Buffer.from(each(bytes))
    send(bytes, 0, bytes.length, ...to)
  }
  socket.send = lying as Socket['send']
  return () => all.delete(change)
}

/** The same question, and that there is no such name. */
function denial(response: Buffer, questionEndAt: number): Buffer {
  const denied = Buffer.from(response.subarray(0, questionEndAt))
  denied[3] = ((denied[3] ?? 0) & 0xf0) | NAME_ERROR
  // No answer, no authority, nothing additional.
  denied.fill(0, 6, HEADER_LENGTH)
  return denied
}

/** Where the one question ends; undefined where there is none. */
function questionEnd(message: Buffer): number | undefined {
  if (message.length < HEADER_LENGTH || message.readUInt16BE(4) !== 1) return undefined
  let index = HEADER_LENGTH
  while (index < message.length) {
    const length = message[index] ?? 0
    if (length === 0) return index + QUESTION_END_LENGTH
    index += length + 1
  }
  return undefined
}
