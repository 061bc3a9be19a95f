// How servers write: the length in as few bytes as possible, one frame for each answer, every required field in it.
import type { Caller } from '../../players/caller.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import { frame, join, readFrames, type Received } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { decoded, endText, errorOf, everything, fail, hex, open, same } from '../exchange.ts'
import { carriedOut, LISTENERS, SPEAKERS, type Listener, type Speaker } from './subjects.ts'

export const ANSWER_CASES: readonly Case[] = [
  ...SPEAKERS.flatMap(speakerCases),
  ...LISTENERS.flatMap(listenerCases),
  {
    id: 'NT-WIRE-002/proof-error-zero',
    title: 'the required field error is on the wire when it is 0, in ProofResponse',
    role: 'proof',
    byHand: (target) => send(target, { protocol: 'proof', shows: 'after the length 08 00' }),
    async run(context) {
      const [proof] = SPEAKERS
      if (proof !== undefined) expectErrorZero(await listen(context, proof, 'closed'))
    },
  },
  ...LISTENERS.filter(({ role }) => role === 'dns01').map(errorZeroCase),
]

function speakerCases(subject: Speaker): readonly Case[] {
  const { protocol, name, role, answers } = subject
  const common = { role, byHand: byHandOf(subject) }
  return [
    {
      ...common,
      id: `NT-WIRE-001/${protocol}-answer`,
      title: `${name} answers with a varint, the length, and one message of that length`,
      async run(context) {
        const heard = overhear(context)
        expectFrames(await listen(heard.context, subject, 'closed'), { count: 1 })
        expectShortestLengths(heard.bytes())
      },
    },
    {
      ...common,
      id: `NT-WIRE-002/${protocol}-required-fields`,
      title: `the answer of ${name} has every required field, each of its type`,
      async run(context) {
        const { messages } = await listen(context, subject, 'closed')
        for (const message of messages) {
          decoded(() => answers.decode(message), message, `a message with all fields of ${name}`)
        }
      },
    },
    {
      ...common,
      id: `NT-WIRE-003/${protocol}-one-answer`,
      title: `${name} writes exactly one frame, then closes its side`,
      async run(context) {
        const received = await listen(context, subject, 'open')
        expectFrames(received, { count: 1 })
        expectClosed(received)
      },
    },
    ...(['closed', 'open'] as const).map((side): Case => ({
      ...common,
      id: `NT-WIRE-004/${protocol}-to-${side === 'open' ? 'an' : 'a'}-${side}-side`,
      title:
        side === 'closed'
          ? `${name} answers a caller that has closed its side at once and sends nothing`
          : `${name} answers a caller that leaves its side open and sends nothing`,
      async run(context) {
        expectFrames(await listen(context, subject, side), { count: 1 })
      },
    })),
  ]
}

function byHandOf({ protocol, name }: Speaker): Case['byHand'] {
  return (target) =>
    send(target, { protocol, shows: `one frame with the answer of ${name}, then the end` })
}

/** What comes when nothing is sent. */
async function listen(
  context: CheckContext,
  { protocol, caller }: Speaker,
  ownSide: 'closed' | 'open',
): Promise<Received> {
  const stream = await open(context, { caller: await caller(context), protocol })
  if (ownSide === 'closed') stream.closeWrite()
  const received = await everything(context, stream)
  stream.closeWrite()
  return received
}

function listenerCases(subject: Listener): readonly Case[] {
  const { protocol, name, role, needs, asWriter } = subject
  return [
    {
      id: `NT-WIRE-001/${protocol}-answer`,
      title: `${name} answers with a varint, the length, and one message of that length`,
      role,
      needs,
      byHand: (target) => {
        const { request } = subject.refused(target)
        return send(target, { protocol, asWriter, bytes: frame(request), shows: 'one frame' })
      },
      async run(context) {
        const heard = overhear(context)
        const caller = await subject.caller(context)
        const requests = [subject.refused(context.target).request]
        expectFrames(await exchange(heard.context, { subject, caller, requests }), { count: 1 })
        expectShortestLengths(heard.bytes())
      },
    },
    {
      id: `NT-WIRE-003/${protocol}-answers-in-order`,
      title: `${name} answers every request once, in order, and closes when its caller has`,
      role,
      needs,
      byHand: (target) => {
        const { request } = subject.refused(target)
        const bytes = join(frame(request), frame(request))
        return send(target, { protocol, asWriter, bytes, shows: 'two frames, then the end' })
      },
      async run(context) {
        const caller = await subject.caller(context)
        const series = await subject.series(context, caller)
        const requests = series.map(({ request }) => request)
        const received = await exchange(context, { subject, caller, requests })
        expectFrames(received, { count: series.length })
        const codes = received.messages.map(errorOf).join(', ')
        const expected = series.map(({ error }) => error).join(', ')
        if (codes !== expected) {
          fail(`answers in the order of the requests, with the errors ${expected}`, codes)
        }
        expectClosed(received)
      },
    },
  ]
}

function errorZeroCase(subject: Listener): Case {
  const { protocol, name, role, needs, asWriter } = subject
  return {
    id: `NT-WIRE-002/${protocol}-error-zero`,
    title: `the required field error is on the wire when it is 0, in the answer of ${name}`,
    role,
    needs,
    byHand: (target) => {
      const { request } = carriedOut(target)
      return send(target, { protocol, asWriter, bytes: frame(request), shows: '02 08 00' })
    },
    async run(context) {
      const caller = await subject.caller(context)
      const requests = [carriedOut(context.target).request]
      expectErrorZero(await exchange(context, { subject, caller, requests }))
    },
  }
}

/** What comes when requests are sent at once, and the caller's side is closed after them. */
async function exchange(
  context: CheckContext,
  {
    subject,
    caller,
    requests,
  }: {
    readonly subject: Listener
    readonly caller: Caller
    readonly requests: readonly Uint8Array[]
  },
): Promise<Received> {
  const stream = await open(context, { caller, protocol: subject.protocol })
  stream.send(join(...requests.map((request) => frame(request))))
  stream.closeWrite()
  return everything(context, stream)
}

function expectFrames({ messages, rest, end }: Received, { count }: { count: number }): void {
  const wanted = `${count} ${count === 1 ? 'frame' : 'frames'}`
  if (messages.length !== count) {
    fail(wanted, `${messages.length}, and a stream that was ${endText(end)}`)
  }
  if (rest.length > 0) fail(`${wanted} and nothing after`, `the bytes ${hex(rest)} after`)
}

function expectClosed({ end }: Received): void {
  if (end !== 'closed') {
    fail("the end of the server's side after its last answer", `a stream that was ${endText(end)}`)
  }
}

/** The same context, and every byte that comes: frames that were cut do not show how their length was written. */
function overhear(context: CheckContext): { context: CheckContext; bytes(): Uint8Array } {
  const heard: Uint8Array[] = []
  const record: CheckContext['wire']['record'] = (entry) => {
    if (entry.direction === 'received') heard.push(entry.bytes)
    context.wire.record(entry)
  }
  return { context: { ...context, wire: { record } }, bytes: () => join(...heard) }
}

/** NT-WIRE-008: longer ones are accepted, and never written. */
function expectShortestLengths(bytes: Uint8Array): void {
  const shortest = join(...readFrames(bytes).messages.map((message) => frame(message)))
  if (!same(shortest, bytes)) {
    fail(`lengths in as few bytes as possible, as in ${hex(shortest)}`, hex(bytes))
  }
}

function expectErrorZero({ messages: [message], end }: Received): void {
  if (message === undefined) {
    return fail('an answer with error 0', `none, and a stream that was ${endText(end)}`)
  }
  if (message[0] !== 0x08 || message[1] !== 0x00) {
    fail('a message that begins with 08 00: the field error, with 0', hex(message))
  }
}
