// What a run may know of the machine that it runs on, and the programs found there.
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface Machine {
  /** Folders to look for programs in, as in the environment variable PATH. */
  readonly path?: string
  /** The environment that installers run in: usually `process.env`. */
  readonly machineEnvironment?: Readonly<Record<string, string | undefined>>
  /** Gets lines for people: what is being installed. */
  readonly report?: (line: string) => void
  /** Ends what is waited for. */
  readonly signal: AbortSignal
}

/** What a run needs cannot be had on this machine: the message is one line that names the ways to get it. */
export class UnavailableError extends Error {
  override readonly name: string = 'UnavailableError'
}

/** The first executable file of that name in the folders of `path`. */
export async function findProgram(name: string, path: string): Promise<string | undefined> {
  const [first] = await findPrograms(name, path)
  return first
}

/** Every executable file of that name in the folders of `path`. */
export async function findPrograms(name: string, path: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const folder of path.split(delimiter)) {
    const program = join(folder, process.platform === 'win32' ? `${name}.exe` : name)
    const executable = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (folder !== '' && executable) found.push(program)
  }
  return found
}

export async function isDebian(): Promise<boolean> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(text)
}
