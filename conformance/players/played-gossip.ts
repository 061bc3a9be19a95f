// A pubsub neighbour that the suite plays for a client under test: it hears what the client announces and tells it
// whatever a case wants, byte by byte, as gossipsub's own code would refuse to send what is wrong.
import { publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Connection, PrivateKey, PublicKey, Stream } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import * as Digest from 'multiformats/hashes/digest'
import {
  fields,
  frame,
  join,
  openStream,
  rawStream,
  readFields,
  TOPICS,
  type RawStream,
  type Tap,
} from '../wire/index.ts'
import { openCaller } from './caller.ts'

/** A message as gossipsub passes it on (libp2p/specs, pubsub). */
export interface GossipMessage {
  readonly from?: Uint8Array
  readonly data: Uint8Array
  readonly topic: string
  /** Whether it is signed by the peer that it says to come from. */
  readonly signed: boolean
  /** As it came, to be sent back. */
  readonly bytes: Uint8Array
}

export interface PlayedGossip {
  /** Ends in its /p2p. */
  readonly address: string
  /** Sends a message to all that are connected. */
  send(message: Uint8Array): void
  /** Tells all that are connected, by an identify push, at which address it sees them. False where nobody listens. */
  tellObserved(address: string): Promise<boolean>
  close(): Promise<void>
}

export interface PlayedGossipInit {
  readonly tap: (channel: string) => Tap
  readonly onConnected: () => void
  readonly onMessage: (message: GossipMessage) => void
  readonly onSubscription: (topic: string, subscribed: boolean) => void
}

const GOSSIP_PROTOCOLS = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0'] as const
/** Before a message that is signed. */
const SIGNED_PREFIX = new TextEncoder().encode('libp2p-pubsub:')
/** Fields of an RPC. */
const SUBSCRIPTION = 1
const PUBLISH = 2
/** Fields of a message. */
const FROM = 1
const DATA = 2
const SEQUENCE_NUMBER = 3
const TOPIC = 4
const SIGNATURE = 5
const KEY = 6
/** libp2p/specs, identify. */
const IDENTIFY_PUSH = '/ipfs/id/push/1.0.0'
const OBSERVED_ADDRESS = 4
const PUSH_MS_MAX = 5_000
const LISTEN_MS_MAX = 300_000

export async function openPlayedGossip(init: PlayedGossipInit): Promise<PlayedGossip> {
  const caller = await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  const outbound: RawStream[] = []
  const listen = async (stream: Stream, connection: Connection): Promise<void> => {
    const peer = connection.remotePeer.toString()
    const tap = init.tap(`gossipsub ${peer} to ${caller.peerId}`)
    const raw = rawStream(stream, connection, tap)
    const out = await openStream(connection, GOSSIP_PROTOCOLS[1], {
      signal: AbortSignal.timeout(LISTEN_MS_MAX),
      tap,
    })
    outbound.push(out)
    const subscriptions = Object.values(TOPICS).map((topic) => fields([1, true], [2, topic]))
    out.send(frame(fields(...subscriptions.map((bytes) => [SUBSCRIPTION, bytes] as const))))
    init.onConnected()
    for (;;) {
      const { message } = await raw.next(AbortSignal.timeout(LISTEN_MS_MAX))
      if (message === undefined) return
      await hear(message, init)
    }
  }
  for (const protocol of GOSSIP_PROTOCOLS) {
    await caller.node.handle(protocol, (stream, connection) => {
      listen(stream, connection).catch((error: Error) => stream.abort(error))
    })
  }
  return {
    address: String(caller.node.getMultiaddrs()[0]),
    send(message) {
      for (const stream of outbound) stream.send(frame(fields([PUBLISH, message])))
    },
    async tellObserved(address) {
      const push = fields([OBSERVED_ADDRESS, multiaddr(address).bytes])
      const told = caller.node.getConnections().map(async (connection) => {
        const stream = await openStream(connection, IDENTIFY_PUSH, {
          signal: AbortSignal.timeout(PUSH_MS_MAX),
          tap: init.tap(`${IDENTIFY_PUSH} ${caller.peerId} to ${connection.remotePeer.toString()}`),
        })
        stream.send(frame(push))
        stream.closeWrite()
      })
      return (await Promise.allSettled(told)).some(({ status }) => status === 'fulfilled')
    },
    close: () => caller.close(),
  }
}

async function hear(rpc: Uint8Array, init: PlayedGossipInit): Promise<void> {
  for (const { number, value } of readFields(rpc)) {
    if (typeof value === 'bigint') continue
    if (number === SUBSCRIPTION) {
      const found = new Map(readFields(value).map((field) => [field.number, field.value]))
      const topic = found.get(2)
      if (topic instanceof Uint8Array) init.onSubscription(textOf(topic), found.get(1) === 1n)
    }
    if (number === PUBLISH) init.onMessage(await readMessage(value))
  }
}

async function readMessage(bytes: Uint8Array): Promise<GossipMessage> {
  const all = readFields(bytes)
  const bytesOf = (number: number): Uint8Array | undefined => {
    const value = all.find((field) => field.number === number)?.value
    return value instanceof Uint8Array ? value : undefined
  }
  const from = bytesOf(FROM)
  return {
    ...(from === undefined ? {} : { from }),
    data: bytesOf(DATA) ?? new Uint8Array(0),
    topic: textOf(bytesOf(TOPIC) ?? new Uint8Array(0)),
    signed: await isSigned({
      from,
      signature: bytesOf(SIGNATURE),
      key: bytesOf(KEY),
      signed: fields(
        ...all.flatMap(({ number, value }) =>
          number === SIGNATURE || number === KEY ? [] : [[number, value] as const],
        ),
      ),
    }),
    bytes,
  }
}

async function isSigned({
  from,
  signature,
  key,
  signed,
}: {
  readonly from: Uint8Array | undefined
  readonly signature: Uint8Array | undefined
  readonly key: Uint8Array | undefined
  readonly signed: Uint8Array
}): Promise<boolean> {
  if (from === undefined || signature === undefined) return false
  try {
    const peerId = peerIdFromMultihash(Digest.decode(from))
    // An RSA id is a hash: the key stands in the message.
    const known: PublicKey | undefined = key === undefined ? undefined : publicKeyFromProtobuf(key)
    const publicKey = peerId.publicKey ?? known
    if (publicKey === undefined) return false
    const same = Buffer.compare(publicKey.toMultihash().bytes, from) === 0
    return same && (await publicKey.verify(join(SIGNED_PREFIX, signed), signature))
  } catch {
    return false
  }
}

/** What a message shall say. */
export interface Utterance {
  readonly topic: string
  readonly data: Uint8Array
  /** Whose message it is, and who signs it. */
  readonly key: PrivateKey
  /** `absent`: it says nobody's. `spoilt`: the signature is of other bytes. @default right */
  readonly signature?: 'right' | 'absent' | 'spoilt'
}

/** A message, numbered so that none is taken for another. */
export async function utter({
  topic,
  data,
  key,
  signature = 'right',
}: Utterance): Promise<Uint8Array> {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(process.hrtime.bigint())
  const said = [
    [FROM, key.publicKey.toMultihash().bytes],
    [DATA, data],
    [SEQUENCE_NUMBER, Uint8Array.from(number)],
    [TOPIC, topic],
  ] as const
  if (signature === 'absent') return fields(...said)
  const signed = fields(...said)
  const other = signature === 'spoilt' ? join(signed, Uint8Array.of(0)) : signed
  return fields(
    ...said,
    [SIGNATURE, await key.sign(join(SIGNED_PREFIX, other))],
    [KEY, publicKeyToProtobuf(key.publicKey)],
  )
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
