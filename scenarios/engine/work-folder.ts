import { accessSync, constants } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from './machine/machine.ts'
import { isAlive } from './machine/process.ts'

/** Of runs that remove their folder themselves. After it stand host and process, so that the next run can. */
const PREFIX = 'nodetrust-run-'
/** Of runs whose folder somebody wants to look into. */
const KEPT_PREFIX = 'nodetrust-kept-'

/** Makes the folder of a run, and removes those of runs of this machine that were killed. */
export async function makeWorkFolder({
  keep,
  parent = tmpdir(),
}: {
  /** Whether it shall outlive the run. */
  readonly keep: boolean
  /** @default the system's folder for temporary files */
  readonly parent?: string
}): Promise<string> {
  await removeAbandoned(parent)
  return mkdtemp(join(parent, keep ? KEPT_PREFIX : `${ownPrefix()}${process.pid}-`))
}

/** Said before anything runs: processes and seeds that need it would each fail by themselves. @throws {UnavailableError} */
export function checkTemporaryFolder(): void {
  const folder = tmpdir()
  try {
    // With the slash it is no file.
    accessSync(join(folder, '/'), constants.W_OK)
  } catch {
    throw new UnavailableError(
      `the folder for temporary files (TMPDIR) "${folder}" cannot be written`,
    )
  }
}

/** Removes the folders of processes of this machine that are no more. */
export async function removeAbandoned(parent: string = tmpdir()): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(ownPrefix())) continue
    const [processId = ''] = name.slice(ownPrefix().length).split('-')
    if (!/^\d+$/.test(processId) || isAlive(Number(processId))) continue
    // Of another user, or another run is at it too: this one goes on without.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
  }
}

/** The host too: a container may share the folder, and has processes of its own. */
function ownPrefix(): string {
  return `${PREFIX}${encodeURIComponent(hostname())}-`
}
