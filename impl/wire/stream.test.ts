import { StreamMessageEvent } from '@libp2p/interface'
import { test } from 'tap'
import { encodeFrame } from './frames.ts'
import { frameStream, type MessageStream } from './stream.ts'

const signal = (): AbortSignal => AbortSignal.timeout(30_000)

/** A stream whose peer sends whatever the test says, at once. */
class FakeStream extends EventTarget {
  readonly status = 'open'
  readonly readableEnded = false
  paused = false

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  receive(message: Uint8Array): void {
    this.dispatchEvent(new StreamMessageEvent(encodeFrame(message)))
  }
}

test('NT-WIRE-010 a peer that has sent more than one message may have has to wait until it is read', async (t) => {
  const stream = new FakeStream()
  const frames = frameStream(stream as unknown as MessageStream, { lengthMax: 1_000 })
  for (const unread of [1, 2, 3]) {
    t.equal(stream.paused, false, `before message ${unread}`)
    stream.receive(new Uint8Array(400).fill(unread))
  }
  t.equal(stream.paused, true, '1,200 bytes are unread')
  for (const read of [1, 2, 3]) {
    t.equal((await frames.read(signal()))?.[0], read)
    t.equal(stream.paused, false, `${3 - read} are unread`)
  }
  frames.release()
})
