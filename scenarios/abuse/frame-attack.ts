import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { wire } from '../../impl/index.ts'
import { hostileFrame, honestFrame, type FrameKind } from './frames.ts'
import { dialler, sourceAddress } from './peers.ts'
import { windows, type Attack } from './subject.ts'

/** A server serves 8 streams of a peer at once, and one that has been closed may not be gone for it yet. */
const STREAMS_PER_PEER = 4
const ANSWER_TIMEOUT_MS = 10_000
const GROUP = 5

/** Opens a stream for each input, writes it, ends its side, and wants the server to end its own. */
export async function attackFrames(kind: FrameKind, to: string, attack: Attack): Promise<void> {
  const inputs = { polite: honestFrame(kind), hostile: hostileFrame(kind) }
  // One whose requests are carried out where they can be, and one who is nobody.
  const peers = [
    await dialler({ from: sourceAddress(GROUP, 0), privateKey: attack.writer }),
    await dialler({ from: sourceAddress(GROUP, 1) }),
  ]
  try {
    const connections: Connection[] = []
    for (const peer of peers) connections.push(await peer.dial(multiaddr(to)))
    for (const window of windows(inputs, attack, STREAMS_PER_PEER * peers.length)) {
      await Promise.all(
        window.inputs.map(async (bytes, index) => {
          const connection = connections[index % peers.length] as Connection
          const problem = await send(connection, kind, bytes)
          if (problem !== undefined) attack.failed(window.first + index, problem)
        }),
      )
      attack.sent(window.inputs.length)
    }
  } finally {
    for (const peer of peers) await peer.stop()
  }
}

async function send(
  connection: Connection,
  kind: FrameKind,
  bytes: Uint8Array,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  let stream: Stream | undefined
  try {
    stream = await connection.newStream(kind.protocol, { signal, negotiateFully: false })
  } catch (error) {
    return `no stream could be opened: ${String(error)}`
  }
  const frames = wire.frameStream(stream, { lengthMax: wire.CLIENT_FRAME_LENGTH_MAX })
  try {
    if (bytes.length > 0) stream.send(bytes)
    await stream.close({ signal })
    for (;;) {
      const message = await frames.read(signal)
      if (message === undefined) return undefined
      kind.checkAnswer(message)
    }
  } catch (error) {
    // A stream that is reset is an answer too (NT-WIRE-005).
    const { name } = error as Error
    if (name === 'StreamResetError' || name === 'StreamStateError') return undefined
    return signal.aborted ? 'the server does not end the stream' : String(error)
  } finally {
    frames.release()
    stream.abort(new Error('over'))
  }
}
