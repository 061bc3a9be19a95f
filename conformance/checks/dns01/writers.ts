// Who may set challenges, and who may not: strangers are told so at once, and change nothing.
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { DNS01Request, ERRORS, frame } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import {
  answer,
  endText,
  errorOf,
  everything,
  expectCode,
  fail,
  newCaller,
  open,
} from '../exchange.ts'
import type { PatientStream } from '../patient-stream.ts'
import { nameByHand, ONE, writeLine } from './by-hand.ts'
import { expectValues } from './set.ts'
import { freshName, randomValue, setValue, takeWriter } from './writer.ts'

export const WRITER_CASES: readonly Case[] = [
  ...(['dns01', 'dns01Remove'] as const).flatMap((protocol): readonly Case[] => {
    const needs = protocol === 'dns01' ? [] : (['dns01-remove'] as const)
    return [
      {
        id: `NT-DNS01-001/${protocol}-stranger-in-silence`,
        title: `a peer that is no writer gets error 3 on ${protocol} and the end, although it says nothing`,
        role: 'dns01',
        needs,
        byHand: (target) =>
          send(target, { protocol, keepOpen: true, shows: '02 08 03, then the end' }),
        async run(context) {
          const stream = await open(context, { caller: await newCaller(context), protocol })
          await expectStrangerRefused(context, stream)
        },
      },
      {
        id: `NT-DNS01-001/${protocol}-stranger`,
        title: `a peer that is no writer gets error 3 on ${protocol}, and changes nothing`,
        role: 'dns01',
        needs,
        byHand: (target) => {
          const bytes = frame(DNS01Request.encode({ fqdn: target.zone, value: randomValue() }))
          return send(target, { protocol, bytes, shows: '02 08 03, then the end' })
        },
        run: (context) => stranger(context, protocol),
      },
    ]
  }),
  {
    id: 'NT-DNS01-001/writer',
    title: 'a peer that is a writer is listened to',
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: (target) =>
      writeLine(target, {
        requests: [{ fqdn: nameByHand(target), value: ONE }],
        shows: '02 08 00',
      }),
    async run(context) {
      const caller = await takeWriter(context)
      await setValue(context, caller, { fqdn: freshName(context.target), value: randomValue() })
    },
  },
]

async function expectStrangerRefused(context: CheckContext, stream: PatientStream): Promise<void> {
  const what = 'error 3 (E_NOT_AUTHORIZED) for a peer that is no writer'
  const error = errorOf(await answer(context, stream, what))
  expectCode(error, ERRORS.NOT_AUTHORIZED, 'the answer to a peer that is no writer')
  const { messages, end } = await everything(context, stream)
  if (end !== 'closed' || messages.length > 0) {
    fail(
      "the end of the server's side after its one answer",
      `${messages.length} more answers and a stream that was ${endText(end)}`,
    )
  }
  stream.closeWrite()
}

async function stranger(
  context: CheckContext,
  protocol: 'dns01' | 'dns01Remove',
): Promise<Finding | void> {
  const [fqdn, value] = [freshName(context.target), randomValue()]
  const kept: string[] = []
  if (protocol === 'dns01Remove') {
    if (context.target.dns01?.writerKey === undefined) {
      return { verdict: 'unsupported', reason: 'without a writer there is nothing to remove' }
    }
    await setValue(context, await takeWriter(context), { fqdn, value })
    kept.push(value)
  }
  const stream = await open(context, { caller: await newCaller(context), protocol })
  stream.send(frame(DNS01Request.encode({ fqdn, value })))
  await expectStrangerRefused(context, stream)
  await expectValues(context, fqdn, kept)
}
