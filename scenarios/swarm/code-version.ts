import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'

const DIGITS = 12
const DIFF_BYTES_MAX = 64 * 1024 * 1024

/**
 * The commit of this checkout, with a mark for what was changed since: two machines of one version make the same worlds of
 * the same seeds. Without git there is one version for all.
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
  } catch {
    return 'unversioned'
  }
}
