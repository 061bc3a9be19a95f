// What an issue server makes of DNS servers that refuse, reset, drop and are silent, and of values that never show.
import type { Case } from '../../suite/case.ts'
import { ERRORS } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { expectOrderError, order, ORDER_CASE_MS } from './order.ts'
import { another, expectIssued, follow, sceneCase, wish } from './scene.ts'

/** Servers answer within this by default (NT-ISSUE-028), and then the answer needs some time. */
const BOUND_MS = 125_000

export const DNS_FAILURE_CASES: readonly Case[] = [
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
]
