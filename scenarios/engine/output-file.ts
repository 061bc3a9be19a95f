import { writeFile } from 'node:fs/promises'

/** What a run leaves cannot be written: the message is one line that names the file. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

/**
 * Writes a file that somebody wants of a run.
 *
 * @throws {OutputError} such as when the disk is full
 */
export async function writeOutput(file: string, text: string): Promise<void> {
  await namingFile(file, writeFile(file, text))
}

/** Makes an {@link OutputError} of what goes wrong with that file. */
export async function namingFile<T>(file: string, writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new OutputError(`"${file}" cannot be written: ${reason}`, { cause: error })
  }
}
