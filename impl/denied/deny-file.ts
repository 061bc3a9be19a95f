import { open, stat, type FileHandle } from 'node:fs/promises'
import { DenyList, parseDenyList, type DenyListProblem } from './deny-list.ts'

/** What becomes of a deny list's file. */
export interface DenyFileReport {
  /** It was read, at the start or because it changed. */
  loaded(detail: { readonly file: string; readonly entries: number }): void
  /** It cannot be used, and what was there before holds. Told once of each version of the file. */
  broken(detail: { readonly file: string; readonly reason: string }): void
}

/** How often the file is looked at, in ms. Not by fs.watch, which loses files that are replaced or linked. */
const CHECK_INTERVAL_MS = 2_000
/** About a million entries: more is no list that somebody keeps. */
const FILE_LENGTH_MAX = 64 * 1024 * 1024
/** Wrong lines that a message names. */
const PROBLEMS_SHOWN_MAX = 10

/** A deny list that follows its file. */
export class DenyFile {
  readonly #path: string
  readonly #report: DenyFileReport
  #list = DenyList.EMPTY
  /** The version that was read last, whether it could be used or not. */
  #version: string | undefined
  #timer: NodeJS.Timeout | undefined
  #checking: Promise<void> | undefined

  constructor(path: string, report: DenyFileReport) {
    this.#path = path
    this.#report = report
  }

  /** What holds now. */
  get list(): DenyList {
    return this.#list
  }

  /** @throws {Error} naming each wrong line: a server must not start and let everybody in. */
  async start(): Promise<void> {
    this.#version = await versionOf(this.#path)
    this.#use(await readDenyFile(this.#path))
    this.#timer = setInterval(() => {
      // What can be wrong has been reported.
      this.check().catch(() => {})
    }, CHECK_INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Reads the file again if it is another than last time. Never rejects. */
  async check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    const version = await versionOf(this.#path)
    if (version === this.#version) return
    this.#version = version
    try {
      this.#use(await readDenyFile(this.#path))
    } catch (error) {
      const reason = `${(error as Error).message}; what it said before holds`
      this.#report.broken({ file: this.#path, reason })
    }
  }

  #use(list: DenyList): void {
    this.#list = list
    this.#report.loaded({ file: this.#path, entries: list.size })
  }
}

/**
 * Reads a deny list from its file.
 * @throws {Error} naming each wrong line.
 */
export async function readDenyFile(path: string): Promise<DenyList> {
  const { list, problems } = parseDenyList(await readText(path))
  if (problems === undefined) return list
  throw new Error(`deny list "${path}" cannot be used: ${sentence(problems)}`)
}

function sentence(problems: readonly DenyListProblem[]): string {
  const shown = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ line, message }) => `line ${line}: ${message}`)
  const more = problems.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more lines`] : [])].join('; ')
}

/** Changes with whatever happens to the file; a file that is not there has a version too. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

async function readText(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const found = await file.stat()
    if (!found.isFile()) throw new Error('it is no regular file')
    if (found.size > FILE_LENGTH_MAX) {
      throw new Error(`it has ${found.size} bytes, at most ${FILE_LENGTH_MAX} are read`)
    }
    return await file.readFile('utf8')
  } catch (cause) {
    throw new Error(`deny list "${path}" cannot be read: ${(cause as Error).message}`, { cause })
  } finally {
    await file?.close()
  }
}
