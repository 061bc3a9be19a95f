// How an issue server uses DNS servers, seen by one that the suite plays: what it waits for before the CA is told, what
// it makes of failures, and what it leaves behind. The player alone has the challenges, so that an order succeeds only
// if they were there when the CA looked.
import { setTimeout as delay } from 'node:timers/promises'
import type { Caller } from '../../players/caller.ts'
import type { PlayedDns, Script, Write } from '../../players/played-dns.ts'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { ERRORS } from '../../wire/index.ts'
import { evidence } from '../by-hand.ts'
import { expectCode, fail, newCaller } from '../exchange.ts'
import {
  expectOrderError,
  isFinding,
  namesOf,
  newKey,
  obtain,
  order,
  ORDER_CASE_MS,
  playOnlyDns,
} from './order.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import { request } from './request.ts'

/** Long enough that a CA which is told too early has looked, and not so long that a server gives up. */
const LATE_MS = 1_500
/** Removal is done when the certificate is given already. */
const REMOVAL_MS_MAX = 5_000
/** Servers answer within this by default (NT-ISSUE-028), and then the answer needs some time. */
const BOUND_MS = 125_000
const NAMES_MAX = 100
const ADDRESSES_PER_PROOF = 8
const PROOFS = 16

interface Scene {
  readonly context: CheckContext
  readonly played: PlayedDns
  readonly caller: Caller
  readonly addresses: readonly string[]
  /** All names of the order. */
  readonly names: readonly string[]
}

export const CHALLENGE_CASES: readonly Case[] = [
  sceneCase({
    id: 'NT-ISSUE-037/ok-before-the-ca-is-told',
    title: 'the CA is told only when every value is set: an OK that comes late is waited for',
    async run(scene) {
      // One name only: the others are there at once.
      follow(scene, { responseAfterMs: LATE_MS }, scene.names.slice(1))
      await expectIssued(scene)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-037/visible-before-the-ca-is-told',
    title:
      'the CA is told only when DNS shows every value: one that comes after its OK is waited for',
    async run(scene) {
      follow(scene, { visibleAfterMs: LATE_MS }, scene.names.slice(1))
      await expectIssued(scene)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-037/by-tcp-where-truncated',
    title: 'values are looked for by TCP where the answer by UDP is truncated',
    async run(scene) {
      follow(scene, { truncated: true })
      await expectIssued(scene)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-037/every-name',
    title: 'every name of the order gets its value on the DNS server, without a prefix',
    async run(scene) {
      await expectIssued(scene)
      const set = new Set(writesOf(scene, 'set').map(({ fqdn }) => fqdn))
      const missing = scene.names.filter((name) => !set.has(name))
      if (missing.length > 0) fail(`a value for ${missing.join(', ')}`, `${[...set].join(', ')}`)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-038/removed-after-the-order',
    title: 'the values are removed again when the order is done',
    async run(scene) {
      await expectIssued(scene)
      await expectRemoved(scene)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-038/removed-after-a-failure',
    title: 'the values are removed again when the order has failed',
    async run(scene) {
      follow(scene, { response: ERRORS.NOT_AUTHORIZED }, scene.names.slice(1))
      const response = await order(scene.context, scene.caller, wish(scene))
      expectOrderError(response, ERRORS.OTHER, 'the refusal of one value')
      await expectRemoved(scene, scene.names.slice(0, 1))
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-038/never-on-the-protocol-that-sets',
    title: 'a DNS server without the removal protocol is left alone',
    alone: true,
    async run(scene) {
      const { played, context } = scene
      await played.serveRemovals(false)
      context.defer(() => played.serveRemovals(true))
      await played.dropConnections()
      await expectIssued(scene)
      const count = writesOf(scene, 'set').length
      await delay(1_000, undefined, { signal: context.signal })
      const later = writesOf(scene, 'set').slice(count)
      if (later.length > 0) {
        fail(
          'no further request on the protocol that sets values',
          `${later.length}, for ${later.map(({ fqdn }) => fqdn).join(', ')}`,
        )
      }
    },
  }),
  ...(
    [
      ['refused-with-1', ERRORS.RATE_LIMIT],
      ['refused-with-3', ERRORS.NOT_AUTHORIZED],
      ['refused-with-9', ERRORS.OTHER],
      ['refused-with-an-unknown-code', 77],
    ] as const
  ).map(([slug, response]) =>
    sceneCase({
      id: `NT-DNS01-012/${slug}`,
      title: `a DNS server that answers ${response} has failed: the order is answered with error 9`,
      async run(scene) {
        // It refuses and has the value all the same: only its answer says that it failed.
        follow(scene, { response, showAnyway: true })
        const given = await order(scene.context, scene.caller, wish(scene))
        expectOrderError(given, ERRORS.OTHER, `a DNS server that answers ${response}`)
      },
    }),
  ),
  sceneCase({
    id: 'NT-DNS01-012/reset',
    title: 'a DNS server that resets every stream has failed: the order is answered with error 9',
    alone: true,
    async run(scene) {
      follow(scene, { response: 'reset' })
      const response = await order(scene.context, scene.caller, wish(scene))
      expectOrderError(response, ERRORS.OTHER, 'a DNS server that resets streams')
    },
  }),
  sceneCase({
    id: 'NT-DNS01-012/silence',
    title: 'a DNS server that is silent for 10 s has failed: the order is answered with error 9',
    alone: true,
    async run(scene) {
      follow(scene, { response: 'silence' })
      const { context, caller } = scene
      const response = await order(context, caller, { ...wish(scene), waitMs: ORDER_CASE_MS })
      expectOrderError(response, ERRORS.OTHER, 'a DNS server that never answers')
    },
  }),
  sceneCase({
    id: 'NT-DNS01-013/stream-dropped',
    title: 'a dropped stream is opened again, and the order succeeds',
    alone: true,
    async run(scene) {
      await expectIssued(scene)
      scene.played.dropStreams()
      await expectIssued(await another(scene))
    },
  }),
  sceneCase({
    id: 'NT-DNS01-013/connection-dropped',
    title: 'a dropped connection is made again, and the order succeeds',
    alone: true,
    async run(scene) {
      await expectIssued(scene)
      await scene.played.dropConnections()
      await expectIssued(await another(scene))
    },
  }),
  sceneCase({
    id: 'NT-DNS01-013/dropped-under-way',
    title:
      'a kept stream that is dropped instead of an answer is opened again, and the request repeated',
    alone: true,
    async run(scene) {
      await expectIssued(scene)
      const next = await another(scene)
      const unfollow = next.played.follow([...next.names], { response: 'reset' })
      const stop = next.played.onWrite(() => {
        // The first request alone: what is repeated is answered.
        stop()
        setImmediate(unfollow)
      })
      next.context.defer(stop)
      await expectIssued(next)
    },
  }),
  sceneCase({
    id: 'NT-ISSUE-027/value-never-visible',
    title: 'an order whose values DNS never shows is answered with error 9',
    async run(scene) {
      follow(scene, { visibleAfterMs: 'never' })
      const response = await order(scene.context, scene.caller, wish(scene))
      expectOrderError(response, ERRORS.OTHER, 'a DNS server that says OK and shows nothing')
    },
  }),
  {
    ...sceneCase({
      id: 'NT-ISSUE-028/bound',
      title: 'an order that cannot succeed is answered within 120 s',
      async run(scene) {
        follow(scene, { visibleAfterMs: 'never' })
        const { context, caller } = scene
        const response = await order(context, caller, { ...wish(scene), waitMs: BOUND_MS })
        if (response.error === ERRORS.OK) fail('an error', 'error 0 (OK)')
      },
    }),
    timeoutMs: BOUND_MS + 10_000,
  },
  sceneCase({
    id: 'NT-ISSUE-026/more-than-100-names',
    title: `an order of more than ${NAMES_MAX} names is answered with error 9, and the CA is not asked`,
    run: tooManyNames,
  }),
]

function sceneCase({
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
    byHand: () => evidence(id, 'the order as its client sees it is among the messages'),
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

function another({ context, played }: Scene): Promise<Scene> {
  return newScene(context, played)
}

function follow(
  { context, played, names }: Scene,
  script: Script,
  some: readonly string[] = names,
): void {
  context.defer(played.follow(some, script))
}

/** With a key of the caller's: making one takes a server's time and is no part of this. */
function wish({ addresses }: Scene) {
  return { addresses, key: newKey() }
}

async function expectIssued(scene: Scene): Promise<void> {
  await obtain(scene.context, scene.caller, wish(scene))
}

function writesOf({ played, names }: Scene, kind: Write['kind']): readonly Write[] {
  return played.writes.filter((write) => write.kind === kind && names.includes(write.fqdn))
}

/** What was set on these names is removed, each value by a request of its own. */
async function expectRemoved(scene: Scene, names: readonly string[] = scene.names): Promise<void> {
  const { context, played } = scene
  const left = (): readonly string[] => names.filter((name) => played.values(name).length > 0)
  const deadline = performance.now() + REMOVAL_MS_MAX
  while (left().length > 0 && performance.now() < deadline) {
    await delay(20, undefined, { signal: context.signal })
  }
  if (left().length > 0) {
    fail(`the removal of all values within ${REMOVAL_MS_MAX} ms`, `values at ${left().join(', ')}`)
  }
}

async function tooManyNames({ context, played, caller }: Scene): Promise<void> {
  const proofs = await Promise.all(
    Array.from({ length: PROOFS }, () => {
      const addresses = Array.from({ length: ADDRESSES_PER_PROOF }, () => publicIpv4(context))
      return goodProof(context.target, { id: caller.id, addresses })
    }),
  )
  const { promise: written, resolve } = Promise.withResolvers<'written'>()
  const [own] = namesOf(context, caller, [])
  context.defer(
    played.onWrite(({ fqdn }) => {
      if (fqdn === own) resolve('written')
    }),
  )
  const answered = request(context, caller, {
    proofs,
    supportedCryptos: [1],
    waitMs: ORDER_CASE_MS,
  })
  const first = await Promise.race([answered, written])
  const count = PROOFS * ADDRESSES_PER_PROOF + 1
  if (first === 'written') {
    answered.catch(() => {})
    fail(`error 9 for ${count} names, and no order`, 'challenges for them')
  }
  expectCode(first.error, ERRORS.OTHER, `the refusal of ${count} names`)
}
