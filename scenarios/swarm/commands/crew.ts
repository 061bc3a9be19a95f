import { InvalidArgumentError } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import { localCrew, type Crew } from '../campaign/crew.ts'
import { codeVersion } from '../code-version.ts'
import { replayLine } from '../plan.ts'
import { ChildRunner } from '../runner.ts'

/** Where seeds run: in processes here, or wherever workers take them from a queue. */
export async function openCrew(
  { jobs, queue }: { readonly jobs: number; readonly queue?: string | undefined },
  io: CommandIo,
): Promise<Crew> {
  if (queue === undefined) return processes(jobs)
  // Loaded only by who has a queue.
  const { QueueCrew } = await import('../queue/queue-crew.ts')
  return await QueueCrew.open({
    url: queue,
    version: await codeVersion(),
    replayOf: replayLine,
    report: (line) => io.error(`queue: ${line}\n`),
  })
}

/** Processes of this machine. */
export function processes(jobs: number): Crew {
  return localCrew({ jobs, openRunner: () => new ChildRunner() })
}

/** @throws {InvalidArgumentError} */
export function queueArgument(text: string): string {
  if (!/^rediss?:\/\/[^/]/.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('wanted redis://HOST:PORT or rediss://HOST:PORT.')
  }
  return text
}
