import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { setTimeout as delay } from 'node:timers/promises'
import { streamError } from '../players/connection-error.ts'
import { openCaller } from '../players/caller.ts'
import type { KeyType } from '../suite/case.ts'
import { UsageError } from '../suite/problems.ts'
import { readableLine } from '../suite/readable.ts'
import { readTarget } from '../suite/read-target.ts'
import { openStream, type RawStream } from '../wire/stream.ts'
import type { CommandIo } from './io.ts'
import { findRequest } from './send-request.ts'

export interface SendWords {
  readonly writerOf?: string
  readonly requestOf?: string
  readonly target?: string
  readonly keyType?: KeyType
  readonly slowly?: string
  readonly keepOpen?: boolean
}

/** Servers cut off whoever is silent after 10 s by default: what they do then is worth seeing. */
const WAIT_MS = 15_000
/** A certificate is ordered, perhaps. */
const REQUEST_WAIT_MS = 90_000
const SLOWLY_MS_MAX = 60_000

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
  const sent = hex === '-' ? (await io.read()).trim() : hex
  const made = await findRequest(words, sent)
  const everyMs = parseSlowly(words.slowly)
  const given = parseHex(sent)
  const key = words.writerOf === undefined ? undefined : await writerKey(words.writerOf)
  const caller = await openCaller({
    ...(key === undefined ? {} : { key }),
    ...(words.keyType === undefined ? {} : { keyType: words.keyType }),
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => caller.close())
  caller.node.addEventListener('peer:identify', ({ detail: { agentVersion, protocols } }) => {
    const said = [agentVersion ?? 'no agentVersion', ...protocols].join(' ')
    io.note(`identify ${readableLine(said)}\n`)
  })
  const waitMs = made === undefined ? WAIT_MS : REQUEST_WAIT_MS
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(waitMs)])
  const bytes = made === undefined ? given : await made({ caller, signal, stack })
  const connection = await caller.connect(parseAddress(address), { signal })
  io.note(`connected as ${caller.peerId}\n`)
  const stream = await openStream(connection, protocol, {
    signal,
    tap: ({ direction, bytes: passed, note }) => {
      if (passed.length > 0) io.write(`${direction} ${Buffer.from(passed).toString('hex')}\n`)
      else if (direction === 'received') io.write(`${note ?? ''}\n`)
    },
  }).catch((cause: unknown) => {
    throw streamError({ protocol, address }, cause)
  })
  const sending = sendAll(stream, bytes, { everyMs, signal })
  const ended = stream.rest(signal)
  await sending
  if (words.keepOpen !== true) stream.closeWrite()
  const { end } = await ended
  io.signal.throwIfAborted()
  // The other side has ended its own; what it does about ours is what is waited for.
  if (end === 'closed' && words.keepOpen === true) await stream.gone(signal)
  if (end === 'open') io.write(`open after ${waitMs} ms\n`)
}

/** All at once, or a byte every so many ms for as long as the other side takes them. */
async function sendAll(
  stream: RawStream,
  bytes: Uint8Array,
  { everyMs, signal }: { readonly everyMs: number | undefined; readonly signal: AbortSignal },
): Promise<void> {
  if (everyMs === undefined) {
    if (bytes.length > 0) stream.send(bytes)
    return
  }
  for (const byte of bytes) {
    if (!stream.send(Uint8Array.of(byte))) return
    await delay(everyMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
  }
}

function parseSlowly(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const everyMs = Number(text)
  if (/^\d+$/.test(text) && everyMs >= 1 && everyMs <= SLOWLY_MS_MAX) return everyMs
  throw new UsageError(`--slowly is "${text}", wanted ms from 1 to ${SLOWLY_MS_MAX}`)
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
