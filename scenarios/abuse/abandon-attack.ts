import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { wire } from '../../impl/index.ts'
import { dialler, sourceAddress } from './peers.ts'
import { windows, type Attack } from './subject.ts'

const STREAMS_AT_ONCE = 8
const STREAM_TIMEOUT_MS = 10_000
const GROUP = 7

const HOWS = [
  'reset',
  'dropped with its connection',
  'half closed',
  'left open',
  'cut frame',
] as const
type How = (typeof HOWS)[number] | 'used'

const PROTOCOLS = [
  wire.PROOF_PROTOCOL,
  wire.ISSUE_INFO_PROTOCOL,
  wire.ISSUE_PROTOCOL,
  wire.RENEWAL_PROTOCOL,
] as const
/** Those on which a server speaks first. */
const UNASKED: ReadonlySet<string> = new Set([wire.PROOF_PROTOCOL, wire.ISSUE_INFO_PROTOCOL])
const protocol = fc.constantFrom(...PROTOCOLS)
const INPUTS = {
  polite: fc.record({ protocol, how: fc.constant<How>('used') }),
  hostile: fc.record({ protocol, how: fc.constantFrom<How>(...HOWS) }),
}

/** Opens streams and loses interest, in every way there is. Connections that have to go are made again. */
export async function abandonStreams(attack: Attack): Promise<void> {
  const peers = [
    await dialler({ from: sourceAddress(GROUP, 0) }),
    await dialler({ from: sourceAddress(GROUP, 1) }),
  ]
  try {
    for (const window of windows(INPUTS, attack, STREAMS_AT_ONCE)) {
      await Promise.all(
        window.inputs.map(async (input, index) => {
          const peer = peers[index % peers.length] as (typeof peers)[number]
          const to =
            input.protocol === wire.PROOF_PROTOCOL ? attack.places.proof : attack.places.issue
          try {
            const connection = await peer.dial(multiaddr(to))
            await abandon(connection, input)
          } catch (error) {
            // A stream that came while its connection went is abandoned as well.
            if (input.how === 'used') attack.failed(window.first + index, String(error))
          }
        }),
      )
      attack.sent(window.inputs.length)
    }
  } finally {
    for (const peer of peers) await peer.stop()
  }
}

async function abandon(
  connection: Connection,
  { protocol, how }: { readonly protocol: string; readonly how: How },
): Promise<void> {
  const signal = AbortSignal.timeout(STREAM_TIMEOUT_MS)
  const stream = await connection.newStream(protocol, { signal })
  switch (how) {
    case 'used': {
      const frames = wire.frameStream(stream, { lengthMax: wire.CLIENT_FRAME_LENGTH_MAX })
      if (UNASKED.has(protocol)) await frames.read(signal)
      await stream.close({ signal })
      return
    }
    case 'reset':
      stream.abort(new Error('changed my mind'))
      return
    case 'dropped with its connection':
      connection.abort(new Error('gone'))
      return
    case 'half closed':
      await stream.close({ signal })
      return
    case 'cut frame':
      stream.send(Uint8Array.of(0x80, 0x01, 0x0a))
      return
    case 'left open':
  }
}
