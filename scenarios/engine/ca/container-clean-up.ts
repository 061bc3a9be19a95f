// Removes containers that nobody needs any more. testcontainers' reaper would be one more image to pull, so
// each container of ours carries labels that say whose it is.
import { hostname } from 'node:os'
import type { ContainerRuntimeClient } from 'testcontainers'
import { isAlive } from '../machine/process.ts'

export type Docker = ContainerRuntimeClient['container']['dockerode']

/** `host/process id` of the run that will remove the container. */
const OWNER_LABEL = 'nodetrust.owner'
/** One container's own, so that it is found also where its start failed. */
const RUN_LABEL = 'nodetrust.run'
const OPERATION_TIMEOUT_MS = 30_000

export function labels(run: string): Record<string, string> {
  return { [OWNER_LABEL]: `${hostname()}/${process.pid}`, [RUN_LABEL]: run }
}

/** Removes what runs of this machine that are gone have left: there is no reaper that would. */
export async function removeAbandoned(docker: Docker): Promise<void> {
  const filters = { label: [OWNER_LABEL] }
  const found = await bounded(docker.listContainers({ all: true, filters }), 'list')
  for (const { Id: id, Labels: labels } of found) {
    const [host, processId] = (labels[OWNER_LABEL] ?? '').split('/')
    if (host !== hostname() || isAlive(Number(processId))) continue
    await bounded(docker.getContainer(id).remove({ force: true, v: true }), 'remove').catch(
      () => {},
    )
  }
}

export async function removeRun(docker: Docker, run: string): Promise<void> {
  const label = `${RUN_LABEL}=${run}`
  const found = await bounded(
    docker.listContainers({ all: true, filters: { label: [label] } }),
    'list',
  )
  for (const { Id: id } of found) {
    const removed = docker.getContainer(id).remove({ force: true, v: true })
    await bounded(removed, 'remove').catch((error: unknown) => {
      if (!hasStatus(error, 404, 409)) throw error // Somebody else removes it already.
    })
  }
}

export function hasStatus(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof Error && 'statusCode' in error && codes.includes(Number(error.statusCode))
}

/** An engine that hangs must not hang the run. */
export async function bounded<T>(operation: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`could not ${what} the container within ${OPERATION_TIMEOUT_MS} ms`)),
      OPERATION_TIMEOUT_MS,
    )
  })
  try {
    return await Promise.race([operation, timeout])
  } finally {
    clearTimeout(timer)
  }
}
