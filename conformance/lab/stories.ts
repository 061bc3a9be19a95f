// What only a resolver between the CA and the zone can spoil: it remembers. Both stories failed with servers that
// existed, and a CA that asks the zone's servers itself hides both.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runTool } from './daemon.ts'
import { obtainCertificate, type Issuance } from './issuance.ts'
import { NAME_SERVERS, RECURSOR_ADDRESSES, ZONE, type RecursorName } from './network.ts'
import { step, type Step } from './step.ts'

export interface StoryInit {
  readonly folder: string
  readonly issueServer: string
  /** The one that the CA asks. */
  readonly recursor: RecursorName
  readonly signal: AbortSignal
}

/** A "no" and a challenge are remembered for 10 s at most. */
const REMEMBERED_SECONDS_MAX = 10
/** A node waits so long before it asks again; by then what was remembered must have been forgotten. */
const RETRY_MS = [5_000, 10_000] as const
const FORGOTTEN_POLL_MS = 500
/** More than the longest TTL of challenges that resolvers here may meet; a "no" without SOA never comes to be known. */
const FORGOTTEN_MS_MAX = 30_000
const TIMEOUT_SECONDS = 60

/** A first certificate, through everything. */
export async function runIssuance(init: StoryInit): Promise<Step> {
  return step({ tool: 'issuance', what: `through ${init.recursor}` }, async () =>
    judge(await obtain(init, 'issuance'), (names) => {
      const wanted = [/^p[a-z0-9]{58}\./, /^ip4/, /^ip6/]
      return wanted.every((pattern) => names.some((name) => pattern.test(name)))
        ? undefined
        : `names ${names.join(', ')}, wanted one of the peer id, one ip4 and one ip6 name`
    }),
  )
}

/**
 * negative-cache (NT-DNS-028): somebody asks for the challenge before it is set, and the resolver remembers that there
 * is none. With a SOA of 300 s, orders failed for five minutes.
 */
export async function runNegativeCache(init: StoryInit): Promise<Step> {
  return step({ tool: 'story', what: `negative-cache through ${init.recursor}` }, async () => {
    await untilForgotten(init)
    const ttls = await Promise.all(CHALLENGE_NAMES.map((name) => negativeTtl(name, init)))
    const longest = Math.max(...ttls)
    if (!(longest <= REMEMBERED_SECONDS_MAX)) {
      const seen = Number.isNaN(longest) ? 'nobody knows how long' : `${longest} s`
      const text = `"no" is remembered for ${seen}, wanted at most ${REMEMBERED_SECONDS_MAX} s`
      return { problems: [{ tag: 'ttl', text }] }
    }
    return judge(await obtainAtLast(init, 'negative-cache'))
  })
}

/**
 * reissue-inside-ttl (NT-DNS-027): another peer at the same addresses has a certificate made, while the resolver
 * remembers the values of the first. With a TTL of 120 s, orders failed for two minutes.
 */
export async function runReissue(init: StoryInit): Promise<Step> {
  return step({ tool: 'story', what: `reissue-inside-ttl through ${init.recursor}` }, async () => {
    const first = await obtainAtLast(init, 'reissue-first')
    return judge('failure' in first ? first : await obtainAtLast(init, 'reissue-second'))
  })
}

/** The names of the client's addresses, which are those of the servers: the whole network is one machine. */
const CHALLENGE_NAMES = [
  `_acme-challenge.ip4${NAME_SERVERS[0].ip4.replaceAll('.', '-')}.${ZONE}`,
  `_acme-challenge.ip6${NAME_SERVERS[1].ip6.replaceAll(':', '-')}.${ZONE}`,
]

/** Asks as the same peer again after a failure, as nodes do. */
async function obtainAtLast(init: StoryInit, name: string): Promise<Issuance> {
  const startedMs = performance.now()
  for (let tries = 1; ; tries += 1) {
    const issuance = await obtain(init, name)
    const waitMs = 'failure' in issuance ? RETRY_MS[tries - 1] : undefined
    if (waitMs === undefined) {
      return { ...issuance, ms: Math.round(performance.now() - startedMs), tries }
    }
    await delay(waitMs, undefined, { signal: init.signal })
  }
}

/** Waits until the resolver has no values of an earlier order, or long enough. */
async function untilForgotten(init: StoryInit): Promise<void> {
  const untilMs = performance.now() + FORGOTTEN_MS_MAX
  for (const name of CHALLENGE_NAMES) {
    while (Number.isNaN(await negativeTtl(name, init)) && performance.now() < untilMs) {
      await delay(FORGOTTEN_POLL_MS, undefined, { signal: init.signal })
    }
  }
}

async function obtain({ folder, issueServer, signal }: StoryInit, name: string): Promise<Issuance> {
  return obtainCertificate({
    issueServer,
    // A peer of its own.
    folder: join(folder, name),
    timeoutSeconds: TIMEOUT_SECONDS,
    signal,
  })
}

function judge(
  issuance: Issuance,
  look: (names: readonly string[]) => string | undefined = () => undefined,
): Pick<Step, 'problems' | 'note'> {
  if ('failure' in issuance) {
    return {
      problems: [{ tag: 'no-certificate', text: `after ${issuance.ms} ms: ${issuance.failure}` }],
    }
  }
  const wrong = look(issuance.names)
  return {
    problems: wrong === undefined ? [] : [{ tag: 'names', text: wrong }],
    note: `${issuance.names.length} names after ${issuance.ms} ms${issuance.tries > 1 ? `, ${issuance.tries} orders` : ''}`,
  }
}

/** How long the resolver will say no. */
async function negativeTtl(name: string, { recursor, signal }: StoryInit): Promise<number> {
  const words = [`@${RECURSOR_ADDRESSES[recursor]}`, '+rec', name, 'TXT']
  const { stdout } = await runTool('dig', words, { signal })
  return Number(/\s(\d+)\s+IN\s+SOA\s/.exec(stdout)?.[1] ?? Number.NaN)
}
