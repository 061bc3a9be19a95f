import { fstatSync, statSync, writeSync } from 'node:fs'

/** Standard output, with what Node does not tell of it: that a disk was full. */
export interface Output {
  write(text: string): void
  /** Whether a file is this one, as `-`, /dev/stdout and what it is redirected to are: two writers would garble it. */
  is(file: string): boolean
  /** Resolves when all is written, with what went wrong first; undefined where nothing did. */
  end(): Promise<unknown>
}

export function openOutput(): Output {
  let failure: unknown
  const failed = (error: unknown): void => {
    failure ??= error
  }
  process.stdout.on('error', failed)
  const write = isStream()
    ? (text: string) => void process.stdout.write(text)
    : (text: string) => writeWhole(Buffer.from(text))
  return {
    write(text) {
      if (failure !== undefined) return
      try {
        write(text)
      } catch (error) {
        failed(error)
      }
    },
    is(file) {
      if (file === '-') return true
      const found = statSync(file, { throwIfNoEntry: false })
      const own = fstatSync(process.stdout.fd)
      return found !== undefined && found.dev === own.dev && found.ino === own.ino
    },
    async end() {
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
      return failure
    },
  }
}

/** Pipes and terminals do not take all at once. */
function isStream(): boolean {
  if (process.stdout.isTTY) return true
  const found = fstatSync(process.stdout.fd)
  return found.isFIFO() || found.isSocket()
}

/** A disk that has room for a part takes that part, without an error until the rest comes. */
function writeWhole(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(process.stdout.fd, bytes, done)
}
