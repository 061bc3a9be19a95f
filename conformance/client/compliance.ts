import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { UsageError } from '../suite/problems.ts'
import type { ClientTarget } from '../suite/target.ts'
import { EXIT_UNSUPPORTED, exitText, startClient } from './client-process.ts'

/** A client has to say no at once. */
const ANSWER_MS_MAX = 15_000

/** What a shell says when it exits with 127 itself, because there is no such program. */
const NOT_FOUND = /^(?:\S*\/)?(?:sh|dash|bash|env): .*(?:not found|No such file or directory)$/m

/**
 * Runs the client with a test case that there is not. One that does not end with 127 would also pass cases that it
 * does not know, so nothing that it does can be believed: the reason is returned, for people.
 * @throws {UsageError} when there is no such program.
 */
export async function nonCompliance(
  client: ClientTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  const testcase = `no-such-case-${randomBytes(4).toString('hex')}`
  const folder = join(client.folder, 'no-such-case')
  // What an earlier client said there is not what this one says.
  await rm(folder, { recursive: true, force: true })
  const started = await startClient({
    exec: client.exec,
    folder,
    environment: { ...client.environment, NT_TESTCASE: testcase },
  })
  const ended = new AbortController()
  try {
    const late = delay(ANSWER_MS_MAX, undefined, {
      signal: AbortSignal.any([signal, ended.signal]),
    }).catch(() => undefined)
    const exit = await Promise.race([started.exited, late])
    signal.throwIfAborted()
    const words = started.lastWords()
    if (exit !== undefined && 'code' in exit && exit.code === EXIT_UNSUPPORTED) {
      if (NOT_FOUND.test(words)) throw new UsageError(`the client cannot be started: ${words}`)
      return undefined
    }
    const how = exit === undefined ? `no end within ${ANSWER_MS_MAX / 1_000} s` : exitText(exit)
    return `the client has to exit with ${EXIT_UNSUPPORTED} for a test case that it does not know (NT_TESTCASE=${testcase}): ${how}${words === '' ? '' : `; it said: ${words}`}`
  } finally {
    ended.abort()
    await started.kill()
  }
}
