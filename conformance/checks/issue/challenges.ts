// What an issue server waits for before the CA is told, and what it leaves behind on the DNS server.
import { setTimeout as delay } from 'node:timers/promises'
import type { Write } from '../../players/played-dns.ts'
import type { Case } from '../../suite/case.ts'
import { ERRORS } from '../../wire/index.ts'
import { expectCode, fail } from '../exchange.ts'
import { expectOrderError, namesOf, order, ORDER_CASE_MS } from './order.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import { request } from './request.ts'
import { expectIssued, follow, sceneCase, wish, type Scene } from './scene.ts'

/** Long enough that a CA which is told too early has looked, and not so long that a server gives up. */
const LATE_MS = 1_500
/** Removal is done when the certificate is given already. */
const REMOVAL_MS_MAX = 5_000
const NAMES_MAX = 100
const ADDRESSES_PER_PROOF = 8
const PROOFS = 16

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
  sceneCase({
    id: 'NT-ISSUE-026/more-than-100-names',
    title: `an order of more than ${NAMES_MAX} names is answered with error 9, and the CA is not asked`,
    run: tooManyNames,
  }),
]

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
