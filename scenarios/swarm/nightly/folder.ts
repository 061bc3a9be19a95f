import { constants } from 'node:fs'
import { access, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from '../../engine/machine/machine.ts'

/** What a night writes over; its database is replaced by a new one. */
const FILES = ['night.json', 'index.html']
const PAGES = 'runs'
/** There while a night runs; it says where. */
const LOCK = 'running'

/**
 * Makes the folder of the nights ready, for one night at a time: what cannot be written at the end is not begun.
 *
 * @throws {UnavailableError}
 */
export async function openFolder(folder: string): Promise<AsyncDisposable> {
  await refuse(mkdir(folder, { recursive: true }), `the folder "${folder}" cannot be made`)
  await refuse(access(folder, constants.W_OK), `the folder "${folder}" cannot be written to`)
  const pages = join(folder, PAGES)
  await refuse(mkdir(pages, { recursive: true }), `the folder "${pages}" cannot be made`)
  await refuse(access(pages, constants.W_OK), `the folder "${pages}" cannot be written to`)
  for (const file of FILES.map((name) => join(folder, name))) {
    const known = await stat(file).catch(() => undefined)
    if (known === undefined) continue
    if (known.isDirectory()) throw new UnavailableError(`"${file}" is a folder`)
    await refuse(access(file, constants.W_OK), `"${file}" cannot be written`)
  }
  return await takeLock(join(folder, LOCK))
}

async function takeLock(file: string): Promise<AsyncDisposable> {
  const here = `process ${process.pid} on ${hostname()}`
  const take = (): Promise<void> => writeFile(file, here, { flag: 'wx' })
  try {
    await take()
  } catch {
    const holder = await readFile(file, 'utf8').catch(() => '')
    if (!isGone(holder)) {
      throw new UnavailableError(
        `another night writes to this folder (${holder}): where that is over, remove "${file}"`,
      )
    }
    await rm(file)
    await refuse(take(), `"${file}" cannot be written`)
  }
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
}

/** Whether it is known of a holder that it has ended: only a process of this machine can be looked for. */
function isGone(holder: string): boolean {
  const [, id, host] = /^process (\d+) on (.+)$/.exec(holder) ?? []
  if (id === undefined || host !== hostname()) return false
  try {
    process.kill(Number(id), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

async function refuse(tried: Promise<unknown>, problem: string): Promise<void> {
  await tried.catch(({ code }: NodeJS.ErrnoException) => {
    throw new UnavailableError(`${problem} (${code})`)
  })
}
