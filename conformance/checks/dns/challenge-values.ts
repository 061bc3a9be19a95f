import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes } from 'node:crypto'
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { DNS01Request, ERRORS, frame } from '../../wire/index.ts'
import { randomValue, takeWriter } from '../dns01/writer.ts'
import { answer, errorOf, expectCode, open } from '../exchange.ts'
import {
  isStatic,
  staticChallengeLabel,
  staticChallengeValues,
  type STATIC_CHALLENGE_COUNTS,
} from './static-zone.ts'

/** A name with values that were set for one case. */
export interface CheckedChallenge {
  /** What is certified; it has no record of its own. */
  readonly fqdn: string
  /** Where the values are. */
  readonly name: string
  readonly values: readonly string[]
  /** Takes the values away. Needs the capability dns01-remove. */
  readonly remove: () => Promise<void>
}

export interface ChallengeWish {
  readonly count: (typeof STATIC_CHALLENGE_COUNTS)[number]
  /** With one more label between it and the zone. */
  readonly below?: boolean
}

/** Why nothing can be said of challenges of a target; undefined where it can. */
export function withoutChallenges(target: Target): string | undefined {
  if (isStatic(target)) return undefined
  return target.dns01?.writerKey === undefined || !target.capabilities.includes('dns-writer')
    ? 'the target does not claim the capability "dns-writer"'
    : undefined
}

/**
 * Sets new values at a new name, on every server where challenges are set, and takes them away again when the case
 * ends. A static zone has such a name.
 */
export async function setChallenge(
  context: CheckContext,
  { count, below = false }: ChallengeWish,
): Promise<CheckedChallenge> {
  const { zone } = context.target
  const isFixed = isStatic(context.target)
  // Not of the seed: a second run within two minutes would find the values of the first.
  const label = isFixed ? staticChallengeLabel(count) : `check-${randomBytes(6).toString('hex')}`
  const values = isFixed ? staticChallengeValues(count) : Array.from({ length: count }, randomValue)
  const fqdn = `${label}${below ? '.below' : ''}.${zone}`
  const challenge = { fqdn, name: `_acme-challenge.${fqdn}`, values }
  if (isFixed) return { ...challenge, remove: () => Promise.resolve() }

  const caller = await takeWriter(context)
  await write(context, { caller, protocol: 'dns01', challenge })
  const remove = (): Promise<void> => write(context, { caller, protocol: 'dns01Remove', challenge })
  if (context.target.capabilities.includes('dns01-remove')) {
    context.defer(() => remove().catch(() => {}))
  }
  return { ...challenge, remove }
}

async function write(
  context: CheckContext,
  {
    caller,
    protocol,
    challenge: { fqdn, values },
  }: {
    readonly caller: Caller
    readonly protocol: 'dns01' | 'dns01Remove'
    readonly challenge: Pick<CheckedChallenge, 'fqdn' | 'values'>
  },
): Promise<void> {
  for (const address of serversOf(context.target.dns01?.addresses ?? [])) {
    const stream = await open(context, { caller, protocol, address })
    for (const value of values) stream.send(frame(DNS01Request.encode({ fqdn, value })))
    for (const value of values) {
      const what = `an answer to a request for "${fqdn}" with "${value}"`
      expectCode(errorOf(await answer(context, stream, what)), ERRORS.OK, what)
    }
    stream.closeWrite()
  }
}

/** One address of each peer. */
function serversOf(addresses: readonly string[]): readonly string[] {
  const byPeer = new Map<string, string>()
  for (const address of addresses) {
    const peer = multiaddr(address).getComponents().at(-1)?.value ?? address
    const known = byPeer.get(peer)
    if (known === undefined || (!known.startsWith('/ip4/') && address.startsWith('/ip4/'))) {
      byPeer.set(peer, address)
    }
  }
  return [...byPeer.values()]
}
