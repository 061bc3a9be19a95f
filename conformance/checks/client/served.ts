// What a client serves and announces, as cases look at it.
import type { CheckContext } from '../../suite/case.ts'
import type { Play, PlayEvent } from '../../client/play.ts'
import { shakeHands, type Handshake, type ProbeInit } from '../../client/probe.ts'
import { PROVEN_ADDRESS } from '../../players/played-proof.ts'
import { addressName, Announce, id0Name, WireError } from '../../wire/index.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { fail, hex } from '../exchange.ts'
import { wait } from './define.ts'

export type Announcement = Extract<PlayEvent, { readonly kind: 'message' }>

/**
 * What happens in a run that several cases look at, whenever each of them begins: it is watched once, from the first of
 * them on.
 */
export async function observed<T>(
  context: CheckContext,
  name: string,
  watch: () => Promise<T>,
): Promise<T> {
  return await context.shared(`what was ${name}`, async () => ({
    value: await watch(),
    close: async () => {},
  }))
}

/** The name that the proofs are for. */
export function provenName(play: Play): string {
  return addressName(PROVEN_ADDRESS, play.init.zone)
}

/** The first request of a client that shall serve. */
export async function requested(play: Play, context: CheckContext, count = 1) {
  return await wait(play, context, () => play.eventsOf('request')[count - 1], {
    expected: count === 1 ? 'a request for a certificate' : `${count} requests for a certificate`,
  })
}

export async function idName(play: Play, context: CheckContext): Promise<string> {
  return id0Name((await requested(play, context)).callerId, play.init.zone)
}

export function probeOf(play: Play, serverName = provenName(play)): ProbeInit {
  return { host: PROVEN_ADDRESS, port: play.listenPort, serverName, root: play.ca.root }
}

export interface ServedWish {
  /** @default the name that the proofs are for */
  readonly serverName?: string
  /** Another certificate than the one with this serial number. */
  readonly other?: string
  /** Whether it has to verify; NT-CLIENT-010 is about that, and others are not. @default true */
  readonly trusted?: boolean
}

/** Waits until the client serves a certificate that is right for a name; ended with the case. */
export async function served(
  play: Play,
  context: CheckContext,
  { serverName, other, trusted = true }: ServedWish = {},
): Promise<Handshake> {
  const probe = probeOf(play, serverName)
  let problem = 'nobody there speaks TLS'
  const found = await wait(
    play,
    context,
    async () => {
      const handshake = await shakeHands(probe)
      if (handshake === undefined) return undefined
      context.defer(() => handshake.socket.destroy())
      const same = handshake.certificate.serialNumber === other
      if (!same && (handshake.problem === undefined || !trusted)) return handshake
      handshake.socket.destroy()
      problem = handshake.problem ?? 'still the certificate of before'
      return undefined
    },
    {
      expected: `TLS at ${probe.host} port ${probe.port} with a certificate for ${probe.serverName}`,
    },
  ).catch((error: Error) => {
    throw Object.assign(
      error,
      'actual' in error ? { actual: `${String(error.actual)}; last: ${problem}` } : {},
    )
  })
  return found
}

/** Waits for the first announcement, or a later one. */
export async function announced(
  play: Play,
  context: CheckContext,
  { count = 1, withinMs }: { readonly count?: number; readonly withinMs?: number } = {},
): Promise<Announcement> {
  return await wait(play, context, () => play.eventsOf('message')[count - 1], {
    expected: count === 1 ? 'an announcement' : `${count} announcements`,
    ...(withinMs === undefined ? {} : { withinMs }),
  })
}

/** The addresses in an announcement, as text. */
export function addressesIn({ message }: Announcement): readonly string[] {
  try {
    return Announce.decode(message.data).addr.map((bytes) => {
      try {
        return multiaddr(bytes).toString()
      } catch {
        return fail('a binary multiaddr', hex(bytes))
      }
    })
  } catch (error) {
    if (error instanceof WireError)
      return fail('an Announce', `${error.message}, in ${hex(message.data)}`)
    throw error
  }
}
