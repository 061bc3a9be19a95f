// Asks one DNS server for the TXT records of a name: by UDP, and by TCP where that is truncated or stays unanswered.
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { txtAnswer, txtQuestion, type TxtAnswer } from './dns-message.ts'

export interface LookupOptions {
  readonly resolver: { readonly address: string; readonly port: number }
  /** For each of both ways. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** @throws {Error} where the server cannot be reached, is silent, or answers what cannot be read */
export async function lookupTxt(name: string, options: LookupOptions): Promise<TxtAnswer> {
  const [id = 0] = crypto.getRandomValues(new Uint16Array(1))
  const question = txtQuestion(id, name)
  const read = (message: Buffer): TxtAnswer | undefined => txtAnswer(message, id, name)
  // A lost packet is no failed validation; a server that cannot answer so much by UDP says so.
  const byUdp = await askUdp(question, read, options).catch(() => undefined)
  options.signal.throwIfAborted()
  if (byUdp !== undefined && !byUdp.truncated) return byUdp
  return await askTcp(question, read, options)
}

type Read = (message: Buffer) => TxtAnswer | undefined

async function askUdp(
  question: Buffer,
  read: Read,
  { resolver: { address, port }, timeoutMs, signal }: LookupOptions,
): Promise<TxtAnswer> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    return await new Promise((resolve, reject) => {
      within(timeoutMs, signal, reject, (done) => {
        socket.on('message', (message, from) => {
          // Others may guess our port; whoever is not asked has nothing to say.
          if (from.port !== port) return
          settle(message, read, (answer) => done(() => resolve(answer)), reject)
        })
        socket.on('error', (error) => done(() => reject(error)))
        socket.send(question, port, address)
      })
    })
  } finally {
    socket.close()
  }
}

async function askTcp(
  question: Buffer,
  read: Read,
  { resolver: { address, port }, timeoutMs, signal }: LookupOptions,
): Promise<TxtAnswer> {
  const socket = connect({ host: address, port })
  try {
    return await new Promise((resolve, reject) => {
      within(timeoutMs, signal, reject, (done) => {
        let received = Buffer.alloc(0)
        socket.on('error', (error) => done(() => reject(error)))
        socket.on('close', () => done(() => reject(new Error('the connection was closed'))))
        socket.on('data', (chunk: Buffer) => {
          received = Buffer.concat([received, chunk])
          // RFC 1035 section 4.2.2: each message is behind its length.
          const length = received.length < 2 ? Infinity : received.readUInt16BE(0) + 2
          if (received.length < length) return
          const message = received.subarray(2, length)
          settle(message, read, (answer) => done(() => resolve(answer)), reject)
        })
        const length = Buffer.of(question.length >> 8, question.length & 0xff)
        socket.write(Buffer.concat([length, question]))
      })
    })
  } finally {
    socket.destroy()
  }
}

function settle(
  message: Buffer,
  read: Read,
  found: (answer: TxtAnswer) => void,
  failed: (error: unknown) => void,
): void {
  try {
    const answer = read(message)
    if (answer !== undefined) found(answer)
  } catch (error) {
    failed(error)
  }
}

/** Runs until `done` is called, time is up, or the signal says so. */
function within(
  timeoutMs: number,
  signal: AbortSignal,
  reject: (error: unknown) => void,
  begin: (done: (end: () => void) => void) => void,
): void {
  const done = (end: () => void): void => {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
    end()
  }
  const aborted = (): void => done(() => reject(signal.reason))
  const timer = setTimeout(
    () => done(() => reject(new Error(`no answer within ${timeoutMs} ms`))),
    timeoutMs,
  )
  signal.addEventListener('abort', aborted)
  begin(done)
}
