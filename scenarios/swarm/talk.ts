import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../engine/hosts.ts'
import type { World } from '../engine/world.ts'

const TALK_INTERVAL_MS = 60_000
/** Long enough for the other end to tell whom it sees. */
const TALK_MS = 5_000

/**
 * Who announces nothing talks to nobody by itself, and cannot know that it is seen elsewhere now (NT-CLIENT-014). Its
 * application talks to others, who tell it.
 */
export async function talk(world: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(world.clients.filter((host) => isUnaware(world, host)).map(greet))
    await sleep(TALK_INTERVAL_MS, undefined, { signal }).catch(() => {})
  }

  async function greet(client: Host): Promise<void> {
    const [issueServer] = world.hostsOf('issue')
    // It is seen at one address by each way.
    for (const address of issueServer?.multiaddrs ?? []) {
      await greetAt(client, address).catch(() => {})
    }
  }

  async function greetAt(client: Host, address: Host['multiaddrs'][number]): Promise<void> {
    const connection = await client.run(() => client.node.dial(address, { force: true, signal }))
    await sleep(TALK_MS, undefined, { signal }).catch(() => {})
    await client.run(() => connection.close())
  }
}

function isUnaware({ trace }: World, { name, announces }: Host): boolean {
  return (
    !announces && trace.entries.some(({ host, event }) => host === name && event === 'host:moved')
  )
}
