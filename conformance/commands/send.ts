import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { openCaller } from '../players/caller.ts'
import { UsageError } from '../suite/problems.ts'
import { readTarget } from '../suite/read-target.ts'
import { openStream } from '../wire/stream.ts'
import type { CommandIo } from './io.ts'

export interface SendWords {
  readonly writerOf?: string
  readonly keepOpen?: boolean
}

/** Servers cut off whoever is silent after 10 s by default: what they do then is worth seeing. */
const WAIT_MS = 15_000

/**
 * `send`: opens one stream, sends bytes as they are, and prints what comes and how the stream ends: the checks of libp2p
 * protocols by hand.
 */
export async function send(
  {
    address,
    protocol,
    hex,
  }: { readonly address: string; readonly protocol: string; readonly hex: string },
  words: SendWords,
  io: CommandIo,
): Promise<void> {
  const bytes = parseHex(hex)
  const key = words.writerOf === undefined ? undefined : await writerKey(words.writerOf)
  const caller = await openCaller(key === undefined ? {} : { key })
  try {
    const signal = AbortSignal.any([io.signal, AbortSignal.timeout(WAIT_MS)])
    const connection = await caller.connect(parseAddress(address), { signal }).catch(refused)
    io.note(`connected as ${caller.peerId}\n`)
    const stream = await openStream(connection, protocol, {
      signal,
      tap: ({ direction, bytes: passed, note }) => {
        if (passed.length > 0) io.write(`${direction} ${Buffer.from(passed).toString('hex')}\n`)
        else if (direction === 'received') io.write(`${note ?? ''}\n`)
      },
    }).catch(refused)
    if (bytes.length > 0) stream.send(bytes)
    if (words.keepOpen !== true) stream.closeWrite()
    const { end } = await stream.rest(signal)
    io.signal.throwIfAborted()
    if (end === 'open') io.write(`open after ${WAIT_MS} ms\n`)
  } finally {
    await caller.close()
  }
}

function parseHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(text)) {
    throw new UsageError(`"${text.slice(0, 80)}" is no hexadecimal, wanted bytes such as 020801`)
  }
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function parseAddress(text: string): string {
  try {
    multiaddr(text)
    return text
  } catch (cause) {
    const wanted = 'wanted a multiaddr such as /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…'
    throw new UsageError(`"${text}" is no address, ${wanted}`, { cause })
  }
}

async function writerKey(file: string) {
  const target = await readTarget(file)
  const text = target.dns01?.writerKey
  if (text === undefined) throw new UsageError(`target "${file}" has no "dns01.writerKey"`)
  return privateKeyFromProtobuf(Buffer.from(text, 'base64'))
}

/** Nobody there, another peer there, or a protocol that is not served: for whoever asked to see. */
function refused(cause: Error): never {
  throw new UsageError(`${cause.name}: ${cause.message.split('\n')[0]}`, { cause })
}
