// OK means that the value is visible, and values stand side by side.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import { NO_LIMITS } from '../../suite/rate-limits.ts'
import { DNS01Request, ERRORS, frame, join } from '../../wire/index.ts'
import { endText, errorOf, everything, fail, open } from '../exchange.ts'
import { lookLine, nameByHand, ONE, OTHER, setAndLook, writeLine } from './by-hand.ts'
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
    byHand: (target) => {
      const fqdn = nameByHand(target)
      return [
        setAndLook(target, { fqdn, values: [ONE], shows: `"${ONE}"` }),
        lookLine(target, { name: fqdn, shows: 'no TXT' }),
      ].join('\n')
    },
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
    byHand: (target) =>
      setAndLook(target, {
        fqdn: nameByHand(target),
        values: [ONE],
        shows: `"${ONE}", however soon`,
      }),
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
    byHand: (target) =>
      setAndLook(target, {
        fqdn: nameByHand(target),
        values: [ONE, OTHER],
        shows: `"${ONE}" and "${OTHER}"`,
      }),
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
    byHand: (target) =>
      setAndLook(target, {
        fqdn: nameByHand(target),
        values: [ONE, ONE],
        shows: `"${ONE}" once`,
      }),
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
    byHand: (target) => {
      const fqdn = nameByHand(target)
      const name = `_acme-challenge.${fqdn}`
      return [
        setAndLook(target, { fqdn, values: [ONE], shows: `"${ONE}"` }),
        `sleep 110; ${lookLine(target, { name, shows: 'still there' })}`,
        `sleep 16; ${lookLine(target, { name, shows: 'gone, 126 s after it was set' })}`,
      ].join('\n')
    },
    run: lifetime,
  },
  {
    id: 'NT-DNS01-009/pipelined',
    title: `${PIPELINED} requests sent at once are answered in their order`,
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: (target) =>
      writeLine(target, {
        requests: [
          { fqdn: nameByHand(target), value: ONE },
          { fqdn: `*.${target.zone}`, value: ONE },
          { fqdn: 'nodetrust.invalid', value: ONE },
          { fqdn: nameByHand(target), value: OTHER },
        ],
        shows: '02 08 00, 02 08 09, 02 08 03, 02 08 00: the answers in the order of the requests',
      }),
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
    byHand: (target) =>
      writeLine(target, {
        requests: Array.from({ length: VALUES_PER_NAME }, (_, index) => ({
          fqdn: nameByHand(target),
          value: String(index).padStart(43, 'v'),
        })),
        shows: `02 08 01 for number ${VALUES_PER_NAME}, if not before`,
      }),
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = freshName(context.target)
      const values = Array.from({ length: VALUES_PER_NAME }, randomValue)
      const codes: number[] = []
      const asked = { ...context, limits: NO_LIMITS }
      for (const value of values) codes.push(await write(asked, caller, { fqdn, value }))
      if (!codes.includes(ERRORS.RATE_LIMIT)) {
        fail(
          `error 1 (E_RATE_LIMIT) for one of ${values.length} values of a name`,
          codes.join(', '),
        )
      }
    },
  },
]

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
