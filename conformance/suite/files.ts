// Files and folders that a user names: whatever is there, reading and making end, and say what is wrong.
import { constants, statSync } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError } from './usage-error.ts'

/** Reports hold wire logs; every other file is far smaller. */
const FILE_BYTES_MAX = 64 * 1024 * 1024
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * All of a regular file. Others may have no end, or wait for somebody who writes.
 * @throws {UsageError} where it cannot be read
 */
export async function readText(file: string): Promise<string> {
  const found = await readBounded(file, FILE_BYTES_MAX).catch((error: unknown) => {
    const code = errorCode(error)
    throw new UsageError(
      code === 'ENOENT'
        ? `file "${file}" does not exist`
        : `file "${file}" cannot be read (${code})`,
    )
  })
  if (found === 'irregular') {
    throw new UsageError(`"${file}" is no regular file: save what it gives into one`)
  }
  if (found === 'too long') throw tooLong(`file "${file}"`)
  const text = found.toString('utf8')
  // Editors of some systems begin every text with it; JSON does not know it.
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
}

/** All of a file, or why not: whatever stands there, this ends soon and reads little more than `bytesMax`. */
export async function readBounded(
  file: string,
  bytesMax: number,
): Promise<Buffer | 'irregular' | 'too long'> {
  // A FIFO that nobody writes to would not even be opened.
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await handle.stat()).isFile()) return 'irregular'
  const bytes = await takeBytes(handle.createReadStream({ autoClose: false }), bytesMax)
  return bytes ?? 'too long'
}

/**
 * All that a stream gives.
 * @throws {UsageError} where that is more than any file of ours holds
 */
export async function readBytes(stream: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const bytes = await takeBytes(stream, FILE_BYTES_MAX)
  if (bytes === undefined) throw tooLong(name)
  return bytes
}

/** Undefined where there are more. What a file says of its length is not believed: files of /proc say 0. */
async function takeBytes(
  stream: AsyncIterable<Buffer>,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of stream) {
    length += part.length
    if (length > bytesMax) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function tooLong(name: string): UsageError {
  return new UsageError(`${name} is larger than ${FILE_BYTES_MAX} bytes`)
}

/**
 * Makes a folder and those above it, where they are missing. Node's own `recursive` tries for ever where a folder is
 * there and takes no other, as in /proc.
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const missing: string[] = []
  let present = resolve(folder)
  while (!(await isFolder(present))) {
    missing.unshift(present)
    present = dirname(present)
  }
  for (const one of missing) {
    await mkdir(one, { mode }).catch(async (error: unknown) => {
      // Somebody else may make the same one meanwhile.
      if (errorCode(error) !== 'EEXIST' || !(await isFolder(one))) throw error
    })
  }
}

/** The root is one, so that a search upwards ends. */
async function isFolder(path: string): Promise<boolean> {
  if (dirname(path) === path) return true
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return false
  if (found.isDirectory()) return true
  throw Object.assign(new Error(`"${path}" is no folder`), { code: 'ENOTDIR' })
}

/** What two names of one file have in common, links among them. */
export function fileIdentity(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? resolve(file) : `${found.dev}:${found.ino}`
}

/** Whether what is written there takes the place of what was. */
export function isFileOrNone(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? true
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
