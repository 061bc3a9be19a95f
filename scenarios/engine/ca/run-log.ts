// What a CA prints: all of it in a file, the end of it in memory, each line to who wants it.
import { createWriteStream } from 'node:fs'
import type { WriteStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

const TAIL_LENGTH_MAX = 64 * 1024
/** Pebble prints about 5 KiB per certificate; a night's run must not fill the disk. */
const FILE_LENGTH_MAX = 256 * 1024 * 1024
/** A line without an end is handed on at this length. */
const LINE_LENGTH_MAX = 16 * 1024

export class RunLog {
  readonly file: string
  readonly #stream: WriteStream
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #tail = ''
  #line = ''
  #fileLength = 0

  constructor(file: string, onLine: (line: string) => void = () => {}) {
    this.file = file
    this.#onLine = onLine
    this.#stream = createWriteStream(file, { mode: 0o600 })
    // A full disk must not end the run: the tail in memory is still there.
    this.#stream.on('error', () => {})
  }

  write(chunk: Uint8Array): void {
    if (this.#fileLength < FILE_LENGTH_MAX) {
      this.#fileLength += chunk.length
      this.#stream.write(chunk)
    }
    const text = this.#decoder.write(Buffer.from(chunk))
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH_MAX)
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop() ?? ''
    if (this.#line.length > LINE_LENGTH_MAX) {
      lines.push(this.#line)
      this.#line = ''
    }
    for (const line of lines) this.#onLine(line)
  }

  tail(): string {
    return this.#tail
  }

  /** The last lines in one, for a message. */
  lastLines(count: number): string {
    return this.#tail.trimEnd().split('\n').slice(-count).join(' | ')
  }

  async close(): Promise<void> {
    if (this.#line !== '') this.#onLine(this.#line)
    this.#line = ''
    await new Promise<void>((resolve) => {
      this.#stream.once('close', resolve)
      this.#stream.end()
      if (this.#stream.closed) resolve()
    })
  }
}
