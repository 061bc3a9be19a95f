import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UnavailableError } from '../../engine/machine/machine.ts'

/** What a night writes over; its database is replaced by a new one. */
const FILES = ['night.json', 'index.html']
const PAGES = 'runs'

/**
 * Makes the folder of the nights ready: what cannot be written at the end is not begun.
 *
 * @throws {UnavailableError}
 */
export async function openFolder(folder: string): Promise<void> {
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
}

async function refuse(tried: Promise<unknown>, problem: string): Promise<void> {
  await tried.catch(({ code }: NodeJS.ErrnoException) => {
    throw new UnavailableError(`${problem} (${code})`)
  })
}
