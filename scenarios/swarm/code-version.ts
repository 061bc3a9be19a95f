import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { UnavailableError } from '../engine/machine/machine.ts'

const DIGITS = 12
const DIFF_BYTES_MAX = 64 * 1024 * 1024
/** Of code of which git says nothing. */
const UNVERSIONED = 'unversioned'

/**
 * The commit of this checkout, with a mark for what was changed since: two machines of one version make the same worlds of
 * the same seeds.
 *
 * @throws {UnavailableError} where git does not tell
 */
export async function codeVersion(): Promise<string> {
  const git = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('git', words, {
      cwd: import.meta.dirname,
      maxBuffer: DIFF_BYTES_MAX,
    })
    return stdout
  }
  try {
    const commit = (await git('rev-parse', 'HEAD')).trim().slice(0, DIGITS)
    const changes = await git('diff', 'HEAD')
    if (changes === '') return commit
    return `${commit}-${createHash('sha256').update(changes).digest('hex').slice(0, 6)}`
  } catch (error) {
    throw new UnavailableError(`the version of this code is not known: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** The same; where git does not tell, one for all such code, after that was reported. */
export async function codeVersionIfKnown(report: (line: string) => void): Promise<string> {
  try {
    return await codeVersion()
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    report(error.message)
    return UNVERSIONED
  }
}

/** What git says first, such as that the checkout belongs to somebody else. */
function reasonOf(error: unknown): string {
  const { code, stderr = '', message } = error as NodeJS.ErrnoException & { stderr?: string }
  if (code === 'ENOENT') return 'there is no git on PATH'
  const [line = ''] = (stderr.trim() || message).split('\n')
  return `git: ${line.replace(/^fatal: /, '')}`
}
