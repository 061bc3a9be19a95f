// One run at a time keeps evidence of a target in a folder: two would mix what they keep.
import { randomUUID } from 'node:crypto'
import { link, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { errorCode, makeFolder, readBounded } from './files.ts'
import { isRunning, startOfProcess } from './processes.ts'
import { UsageError } from './usage-error.ts'

const LOCK_FILE = 'run.lock'
const LOCK_BYTES_MAX = 1_024
/** A lock without a holder has been made a moment ago, or its maker ended before it wrote. */
const HALF_MADE_MS_MAX = 5_000
/** Others may take over the same one. */
const TRIES_MAX = 10

/**
 * Has a folder for this process until it is disposed of; where this process has it already, for nothing more. What a
 * process that ended without a word has left is taken over.
 * @throws {UsageError} where another run has it
 */
export async function lockRun(folder: string): Promise<AsyncDisposable> {
  await makeFolder(folder, 0o700)
  const file = join(folder, LOCK_FILE)
  const own = `${process.pid} ${startOfProcess(process.pid)} ${hostname()}`
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (await make(file, own)) return { [Symbol.asyncDispose]: () => removeOnly(file, own) }
    const found = await readLock(file)
    if (found === own) return { async [Symbol.asyncDispose]() {} }
    if (found === undefined) continue
    await refuseHeld(found, { file, folder })
    await removeOnly(file, found)
  }
  throw new UsageError(`"${file}" cannot be had, as others make it again and again`)
}

/** False where there is one. */
async function make(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    // A disk that is full takes the name and no text.
    await rm(file, { force: true }).catch(() => {})
    throw error
  }
}

/** Undefined where there is none any more. */
async function readLock(file: string): Promise<string | undefined> {
  const found = await readBounded(file, LOCK_BYTES_MAX).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (typeof found === 'string') throw new UsageError(`"${file}" is not from a run: remove it`)
  return found?.toString()
}

/** @throws {UsageError} where the holder runs, or nobody here can know */
async function refuseHeld(
  text: string,
  { file, folder }: { readonly file: string; readonly folder: string },
): Promise<void> {
  const [, pid = '', start = '', host = ''] = /^(\d+) (\d*) (.+)$/.exec(text) ?? []
  if (host === '') {
    const made = await stat(file).catch(() => undefined)
    if (made === undefined || Date.now() - made.mtimeMs > HALF_MADE_MS_MAX) return
    throw new UsageError(
      `another run begins in "${folder}": wait until it ends, or take another --out`,
    )
  }
  if (host !== hostname()) {
    throw new UsageError(
      `a run on the machine ${JSON.stringify(host)} (process ${pid}) has "${folder}": wait until it ends, or take another --out; if it no longer runs, remove "${file}"`,
    )
  }
  if (!isRunning(Number(pid)) || startOfProcess(Number(pid)) !== start) return
  throw new UsageError(
    `another run (process ${pid}) has "${folder}": wait until it ends, or take another --out`,
  )
}

/** Removes a lock if it is still this one: between a look and a removal it may have become another's. */
async function removeOnly(file: string, text: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`
  try {
    await rename(file, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  if ((await readLock(aside)) !== text) await link(aside, file).catch(() => {})
  await rm(aside, { force: true })
}
