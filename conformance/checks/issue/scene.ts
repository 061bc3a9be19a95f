// One order, with the suite in the DNS server's place: it succeeds only if the challenges were there when the CA looked.
import type { KeyObject } from 'node:crypto'
import type { Caller } from '../../players/caller.ts'
import type { PlayedDns, Script } from '../../players/played-dns.ts'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { notByHand } from '../by-hand.ts'
import { newCaller } from '../exchange.ts'
import { isFinding, namesOf, newKey, obtain, ORDER_CASE_MS, playOnlyDns } from './order.ts'
import { publicIpv4 } from './played-proofs.ts'

export interface Scene {
  readonly context: CheckContext
  readonly played: PlayedDns
  readonly caller: Caller
  readonly addresses: readonly string[]
  /** All names of the order. */
  readonly names: readonly string[]
}

export function sceneCase({
  id,
  title,
  alone,
  run,
}: Pick<Case, 'id' | 'title' | 'alone'> & {
  readonly run: (scene: Scene) => Promise<void>
}): Case {
  return {
    id,
    title,
    role: 'issue',
    needs: ['played-proof-server', 'played-dns-server', 'csr'],
    timeoutMs: ORDER_CASE_MS,
    ...(alone === undefined ? {} : { alone }),
    byHand: () =>
      notByHand(id, {
        why: "while the order is under way the suite is the zone's DNS server, and does there what the check is about",
        shows: 'the order as its client sees it is among the messages',
      }),
    async run(context): Promise<Finding | void> {
      const played = await playOnlyDns(context)
      if (isFinding(played)) return played
      await run(await newScene(context, played))
    },
  }
}

/** A caller with two addresses that nobody has asked for. */
async function newScene(context: CheckContext, played: PlayedDns): Promise<Scene> {
  const caller = await newCaller(context)
  const addresses = [publicIpv4(context), publicIpv4(context)]
  return { context, played, caller, addresses, names: namesOf(context, caller, addresses) }
}

export function another({ context, played }: Scene): Promise<Scene> {
  return newScene(context, played)
}

export function follow(
  { context, played, names }: Scene,
  script: Script,
  some: readonly string[] = names,
): void {
  context.defer(played.follow(some, script))
}

/** With a key of the caller's: making one takes a server's time and is no part of this. */
export function wish({ addresses }: Scene): {
  readonly addresses: readonly string[]
  readonly key: KeyObject
} {
  return { addresses, key: newKey() }
}

export async function expectIssued(scene: Scene): Promise<void> {
  await obtain(scene.context, scene.caller, wish(scene))
}
