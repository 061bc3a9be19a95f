// What a client under test prints: kept on disk as far as it should be, and read to its end whatever its length.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Of each stream of each client that is started. A client that prints more is not told, and goes on. */
export const KEPT_BYTES_MAX = 1024 * 1024
const TAIL_LENGTH = 600
/** What had been printed when a client ended is read at once. */
const DRAIN_MS_MAX = 1_000

export interface KeptOutput {
  /** What the client is started with. */
  readonly stdio: number | 'pipe'
  /** It has been started: `stream` is our end where Node has made the pipe. */
  started(stream: Readable | null): Promise<void>
  /** The last that was printed. */
  readonly tail: string
  /** Resolves when all is kept that was printed; who still holds the other end is not waited for. */
  end(): Promise<void>
}

export async function openKeptOutput(file: string): Promise<KeptOutput> {
  const pipe = await openPipe(file)
  const kept = new BoundedFile(file)
  let tail = ''
  let reader: Readable | undefined
  let closed: Promise<unknown> | undefined
  const read = (stream: Readable): void => {
    reader = stream
    closed = once(stream, 'close').catch(() => {})
    stream.on('data', (chunk: Buffer) => {
      kept.add(chunk)
      tail = (tail + chunk.toString()).slice(-TAIL_LENGTH)
    })
  }
  if (pipe !== undefined) read(pipe.reader)
  return {
    stdio: pipe?.writer.fd ?? 'pipe',
    async started(stream) {
      await pipe?.writer.close()
      if (stream !== null) read(stream)
    },
    get tail() {
      return tail
    },
    async end() {
      await Promise.race([closed, delay(DRAIN_MS_MAX, undefined, { ref: false })])
      reader?.destroy()
      kept.close()
    },
  }
}

/**
 * Node's own pipes are sockets, and programs that open /dev/stderr cannot open those. So it is a FIFO, for the moment in
 * which both its ends are opened; undefined where there are none.
 */
async function openPipe(file: string) {
  if (process.platform === 'win32') return undefined
  const fifo = `${file}.pipe`
  await promisify(execFile)('mkfifo', ['-m', '600', fifo])
  const descriptor = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = await open(fifo, constants.O_WRONLY)
  await unlink(fifo)
  return { reader: new Socket({ fd: descriptor, readable: true, writable: false }), writer }
}

/** Runs of a client that follow one another write to one file. */
class BoundedFile {
  readonly #descriptor: number
  #room = KEPT_BYTES_MAX
  #left = 0
  #closed = false

  constructor(file: string) {
    this.#descriptor = openSync(file, 'a', 0o600)
  }

  add(bytes: Buffer): void {
    const part = bytes.subarray(0, this.#room)
    this.#room -= part.length
    this.#left += bytes.length - part.length
    this.#write(part)
  }

  close(): void {
    if (this.#closed) return
    if (this.#left > 0) {
      this.#write(
        Buffer.from(
          `\n[the suite keeps ${KEPT_BYTES_MAX} bytes; ${this.#left} more were printed]\n`,
        ),
      )
    }
    this.#closed = true
    closeSync(this.#descriptor)
  }

  #write(bytes: Buffer): void {
    if (this.#closed) return
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#descriptor, bytes, done)
    } catch {
      // A full disk is no fault of the client; the run tells of it when it writes evidence.
      this.#room = 0
    }
  }
}
