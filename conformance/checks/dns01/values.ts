// OK means that the value is visible, values stand side by side, and go one by one.
import { setTimeout as delay } from 'node:timers/promises'
import type { Caller } from '../../players/caller.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import { DNS01Request, ERRORS, frame, join } from '../../wire/index.ts'
import { evidence, send } from '../by-hand.ts'
import { endText, errorOf, everything, expectCode, fail, open } from '../exchange.ts'
import { expectValues, lookUp, write } from './set.ts'
import { freshName, randomValue, setValue, takeWriter } from './writer.ts'

const ROUNDS = 25
const PIPELINED = 100
const VALUES_PER_NAME = 17
const LIFETIME_MS = 120_000
/** Clocks and a query need some time; five seconds are the requirement's own. */
const EARLY_MS = 5_000
const LATE_MS = 6_000
const SECOND_MS = 1_000

export const VALUE_CASES: readonly Case[] = [
  {
    id: 'NT-DNS01-002/prefix',
    title: 'the server puts `_acme-challenge.` in front of the name, and nothing anywhere else',
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: () => evidence('NT-DNS01-002/prefix', 'TXT at _acme-challenge.<name> alone'),
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      await expectValues(context, fqdn, [value])
      for (const name of [
        fqdn,
        `_acme_challenge.${fqdn}`,
        `_acme-challenge._acme-challenge.${fqdn}`,
      ]) {
        const found = (await lookUp(context, name)).find(({ values }) => values.includes(value))
        if (found !== undefined)
          fail(`the value at _acme-challenge.${fqdn} alone`, `it is at ${name} too`)
      }
    },
  },
  {
    id: 'NT-DNS01-003/visible-before-ok',
    title: 'a value is visible on every DNS server, by UDP and TCP, as soon as the OK is there',
    role: 'dns01',
    needs: ['dns-writer'],
    timeoutMs: 30_000,
    byHand: () =>
      evidence('NT-DNS01-003/visible-before-ok', `${ROUNDS} values, each asked for after its OK`),
    async run(context) {
      const caller = await takeWriter(context)
      for (let round = 0; round < ROUNDS; round++) {
        const [fqdn, value] = [freshName(context.target), randomValue()]
        await setValue(context, caller, { fqdn, value })
        await expectValues(context, fqdn, [value])
      }
    },
  },
  {
    id: 'NT-DNS01-007/side-by-side',
    title: 'several values of a name stand side by side, as two orders for it may run at once',
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: () => evidence('NT-DNS01-007/side-by-side', 'three values set, three TXT records'),
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = freshName(context.target)
      const values = Array.from({ length: 3 }, randomValue)
      for (const value of values) await setValue(context, caller, { fqdn, value })
      await expectValues(context, fqdn, values)
    },
  },
  {
    id: 'NT-DNS01-007/set-twice',
    title: 'a value that is set twice stands there once',
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: () => evidence('NT-DNS01-007/set-twice', 'one TXT record'),
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      await setValue(context, caller, { fqdn, value })
      await expectValues(context, fqdn, [value])
    },
  },
  {
    id: 'NT-DNS01-008/lifetime',
    title: 'a value goes 120 s after it was last set, and only then',
    role: 'dns01',
    needs: ['dns-writer'],
    slow: true,
    timeoutMs: 2 * LIFETIME_MS,
    byHand: () => evidence('NT-DNS01-008/lifetime', 'TXT at 115 s, none at 126 s'),
    run: lifetime,
  },
  {
    id: 'NT-DNS01-009/pipelined',
    title: `${PIPELINED} requests sent at once are answered in their order`,
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: () =>
      evidence('NT-DNS01-009/pipelined', `${PIPELINED} answers, of which every third is 9`),
    async run(context) {
      const caller = await takeWriter(context)
      const errors = Array.from({ length: PIPELINED }, (_, index) =>
        index % 3 === 2 ? ERRORS.OTHER : index % 7 === 3 ? ERRORS.NOT_AUTHORIZED : ERRORS.OK,
      )
      const requests = errors.map((error) => requestFor(context, error))
      const stream = await open(context, { caller, protocol: 'dns01' })
      stream.send(join(...requests.map((request) => frame(DNS01Request.encode(request)))))
      stream.closeWrite()
      const { messages, end } = await everything(context, stream)
      const codes = messages.map(errorOf)
      const wrong = errors.findIndex((error, index) => codes[index] !== error)
      if (wrong >= 0 || codes.length !== errors.length) {
        fail(
          `${PIPELINED} answers in order, the one to request ${wrong + 1} with error ${errors[wrong] ?? ''}`,
          `${codes.length} answers, there ${codes[wrong] ?? 'none'}, and a stream that was ${endText(end)}`,
        )
      }
    },
  },
  {
    id: 'NT-DNS01-011/values-of-a-name',
    title: `a name has not more values than there is room for: number ${VALUES_PER_NAME} gets error 1`,
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: () => evidence('NT-DNS01-011/values-of-a-name', `error 1 for value ${VALUES_PER_NAME}`),
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = freshName(context.target)
      const values = Array.from({ length: VALUES_PER_NAME }, randomValue)
      const codes: number[] = []
      for (const value of values) codes.push(await write(context, caller, { fqdn, value }))
      if (!codes.includes(ERRORS.RATE_LIMIT)) {
        fail(
          `error 1 (E_RATE_LIMIT) for one of ${values.length} values of a name`,
          codes.join(', '),
        )
      }
    },
  },
  {
    id: 'NT-DNS01-015/removes-one',
    title: 'removal removes this one value before its OK, and leaves the others of the name',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: () => evidence('NT-DNS01-015/removes-one', 'the other value alone'),
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = freshName(context.target)
      const [one, other] = [randomValue(), randomValue()]
      for (const value of [one, other]) await setValue(context, caller, { fqdn, value })
      await remove(context, caller, { fqdn, value: one, left: [other] })
      await remove(context, caller, { fqdn, value: other, left: [] })
    },
  },
  {
    id: 'NT-DNS01-015/absent-value',
    title: 'removal of a value that is not there is OK, and changes nothing',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: () => evidence('NT-DNS01-015/absent-value', 'error 0'),
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      await remove(context, caller, { fqdn, value: randomValue(), left: [value] })
      await remove(context, caller, { fqdn: freshName(context.target), value, left: [] })
    },
  },
  {
    id: 'NT-DNS01-015/mixed-case-and-dot',
    title: 'removal folds case and removes a final dot as setting does',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: () => evidence('NT-DNS01-015/mixed-case-and-dot', 'the value is gone'),
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      const protocol = 'dns01Remove'
      const code = await write(context, caller, { fqdn: `${fqdn.toUpperCase()}.`, value, protocol })
      expectCode(code, ERRORS.OK, 'the removal')
      await expectValues(context, fqdn, [])
    },
  },
  {
    id: 'NT-DNS01-015/same-checks',
    title: 'removal makes the checks of setting: another zone gets 3, a wildcard 9',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: (target) =>
      send(target, {
        protocol: 'dns01Remove',
        asWriter: true,
        bytes: frame(DNS01Request.encode({ fqdn: 'nodetrust.invalid', value: 'v'.repeat(43) })),
        shows: '02 08 03',
      }),
    async run(context) {
      const caller = await takeWriter(context)
      const protocol = 'dns01Remove'
      const value = randomValue()
      const outside = await write(context, caller, { fqdn: 'nodetrust.invalid', value, protocol })
      expectCode(outside, ERRORS.NOT_AUTHORIZED, 'the refusal of a name outside the zone')
      const fqdn = `*.${context.target.zone}`
      expectCode(
        await write(context, caller, { fqdn, value, protocol }),
        ERRORS.OTHER,
        'the refusal of a wildcard',
      )
    },
  },
]

async function remove(
  context: CheckContext,
  caller: Caller,
  { left, ...request }: DNS01Request & { readonly left: readonly string[] },
): Promise<void> {
  const code = await write(context, caller, { ...request, protocol: 'dns01Remove' })
  expectCode(code, ERRORS.OK, `the removal of a value of "${request.fqdn}"`)
  await expectValues(context, request.fqdn, left)
}

/** Two values; one of them is set again halfway, and lives so much longer. */
async function lifetime(context: CheckContext): Promise<void> {
  const caller = await takeWriter(context)
  const fqdn = freshName(context.target)
  const [one, again] = [randomValue(), randomValue()]
  const startedAt = performance.now()
  const until = (ms: number): Promise<void> => {
    const { signal } = context
    return delay(Math.max(0, startedAt + ms - performance.now()), undefined, { signal })
  }
  for (const value of [one, again]) await setValue(context, caller, { fqdn, value })
  await until(30 * SECOND_MS)
  await setValue(context, caller, { fqdn, value: again })
  await until(LIFETIME_MS - EARLY_MS)
  await expectValues(context, fqdn, [one, again])
  await until(LIFETIME_MS + LATE_MS)
  await expectValues(context, fqdn, [again])
  await until(LIFETIME_MS + 30 * SECOND_MS + LATE_MS)
  await expectValues(context, fqdn, [])
}

function requestFor({ target }: CheckContext, error: number): DNS01Request {
  const value = randomValue()
  switch (error) {
    case ERRORS.OK:
      return { fqdn: freshName(target), value }
    case ERRORS.OTHER:
      return { fqdn: `*.${target.zone}`, value }
    default:
      return { fqdn: 'nodetrust.invalid', value }
  }
}
