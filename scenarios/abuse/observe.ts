import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BystanderRequest } from './bystander.ts'
import type { Observations } from './errands.ts'
import type { ServerPlaces } from './servers.ts'

/** Somebody else who is served meanwhile, in a process of its own. */
export interface Bystander {
  /** What it sees while `work` runs, and `work` with it. */
  observe(work: () => Promise<void>): Promise<Observations>
  stop(): void
}

export async function startBystander(places: ServerPlaces): Promise<Bystander> {
  const child = fork(fileURLToPath(new URL('bystander.ts', import.meta.url)))
  const ended = once(child, 'exit').then(() => {
    throw new Error('the bystander has ended')
  })
  // Awaited below; a stop is no failure.
  ended.catch(() => {})
  const ask = async (request: BystanderRequest): Promise<unknown> => {
    const answer = once(child, 'message') as Promise<[unknown]>
    child.send(request)
    return (await Promise.race([answer, ended]))[0]
  }
  await ask({ places })
  return {
    async observe(work) {
      child.send('begin')
      await work()
      return (await ask('end')) as Observations
    },
    stop: () => void child.kill(),
  }
}
