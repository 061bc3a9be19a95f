// Bounds on what a stranger can fill: how long a frame is, how long a request takes, how many streams there are.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import { fields, frame, join, readFrames, varint, type RawStream } from '../../wire/index.ts'
import { notByHand, send } from '../by-hand.ts'
import {
  answer,
  ask,
  endText,
  errorOf,
  everything,
  expectCode,
  fail,
  needAddress,
  newCaller,
  open,
  type ProtocolName,
} from '../exchange.ts'
import type { PatientStream } from '../patient-stream.ts'
import { LISTENERS, SPEAKERS, type Listener, type Speaker } from './subjects.ts'

/** Every server has to read at least this, and none may read more than that (NT-WIRE-006). */
const FRAME_BYTES_MIN = 64 * 1024
const FRAME_BYTES_MAX = 4 * 1024 * 1024
/** What is refused by its length alone is refused now, and not at the deadline of a request. */
const AT_ONCE_MS_MAX = 5_000
/** Twice the deadline that servers have by default (NT-WIRE-009). */
const DEADLINE_MS_MAX = 20_000
const DRIBBLE_MS = 300

export const LIMIT_CASES: readonly Case[] = [
  ...LISTENERS.flatMap((subject): readonly Case[] => [
    longestFrameCase(subject),
    lengthCase(subject, {
      id: `NT-WIRE-006/${subject.protocol}-too-long`,
      title: `${subject.name} refuses a frame of over 4 MiB by its length alone`,
      bytes: varint(FRAME_BYTES_MAX + 1),
    }),
    lengthCase(subject, {
      id: `NT-WIRE-007/${subject.protocol}-endless-length`,
      title: `${subject.name} refuses a length of more than five bytes at once`,
      bytes: new Uint8Array(10).fill(0xff),
    }),
    lengthCase(subject, {
      id: `NT-WIRE-007/${subject.protocol}-length-over-2-31`,
      title: `${subject.name} refuses a length of 4 GiB at once`,
      bytes: Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
    }),
    longLengthCase(subject),
    silenceCase(subject),
    dribbleCase(subject),
  ]),
  ...SPEAKERS.map(halfOpenCase),
  ...[...SPEAKERS, ...LISTENERS.filter(({ protocol }) => protocol === 'issue')].map(streamsCase),
  streamsCase({ protocol: 'dns01', name: 'dns-01', role: 'dns01' }),
]

function longestFrameCase(subject: Listener): Case {
  const { protocol, name, role, needs } = subject
  const id = `NT-WIRE-006/${protocol}-long-enough`
  return {
    id,
    title: `${name} reads a frame of 64 KiB`,
    role,
    needs,
    byHand: (target) => {
      const { request, error } = subject.refused(target)
      const [start, zeros] = longRequest(request)
      const [line = '', ...comments] = send(target, {
        protocol,
        asWriter: subject.asWriter,
        bytes: Uint8Array.of(),
        shows: `02 08 0${error}`,
      }).split('\n')
      const begins = Buffer.from(start).toString('hex')
      return [
        `{ printf ${begins}; head -c ${zeros} /dev/zero | xxd -p; } | tr -d '\\n' |\n  ${line} -`,
        ...comments,
      ].join('\n')
    },
    async run(context) {
      const caller = await subject.caller(context)
      const { request, error } = subject.refused(context.target)
      const [start, zeros] = longRequest(request)
      const [long] = readFrames(join(start, new Uint8Array(zeros))).messages
      if (long?.length !== FRAME_BYTES_MIN) throw new Error(`made a frame of ${long?.length} bytes`)
      const what = `an answer to a frame of ${FRAME_BYTES_MIN} bytes`
      expectCode(
        errorOf(await ask(context, { caller, protocol, request: long, what })),
        error,
        what,
      )
    },
  }
}

/** A frame of 64 KiB with a request and a long unknown field in it: how it begins, and how many zeros follow. */
function longRequest(request: Uint8Array): readonly [start: Uint8Array, zeros: number] {
  // One byte for the field's number, three for its length.
  const zeros = FRAME_BYTES_MIN - request.length - 4
  const framed = frame(join(request, fields([15, new Uint8Array(zeros)])))
  return [framed.subarray(0, framed.length - zeros), zeros]
}

/** Nothing follows these bytes, and the caller's side stays open: only what they say can be the reason. */
function lengthCase(
  { protocol, role, needs, asWriter, caller }: Listener,
  { id, title, bytes }: Pick<Case, 'id' | 'title'> & { readonly bytes: Uint8Array },
): Case {
  return {
    id,
    title,
    role,
    needs,
    byHand: (target) =>
      send(target, { protocol, asWriter, bytes, keepOpen: true, shows: 'a reset at once' }),
    async run(context) {
      const stream = await open(context, { caller: await caller(context), protocol })
      stream.send(bytes)
      const { messages, end } = await everything(context, stream, AT_ONCE_MS_MAX)
      const answered = messages.length === 0 ? '' : `, ${messages.length} answers`
      if (end !== 'reset') {
        fail(`a reset within ${AT_ONCE_MS_MAX} ms`, `a stream that was ${endText(end)}${answered}`)
      }
    },
  }
}

function longLengthCase(subject: Listener): Case {
  const { protocol, name, role, needs, asWriter } = subject
  const bytes = (request: Uint8Array): Uint8Array => frame(request, { prefixBytesMin: 3 })
  return {
    id: `NT-WIRE-008/${protocol}-long-length`,
    title: `${name} accepts a length that is written in more bytes than needed`,
    role,
    needs,
    byHand: (target) => {
      const { request, error } = subject.refused(target)
      return send(target, { protocol, asWriter, bytes: bytes(request), shows: `error ${error}` })
    },
    async run(context) {
      const { request, error } = subject.refused(context.target)
      const stream = await open(context, { caller: await subject.caller(context), protocol })
      stream.send(bytes(request))
      const message = await answer(context, stream, 'an answer to a frame with a long length')
      stream.closeWrite()
      expectCode(errorOf(message), error, 'the answer as to a shorter length')
    },
  }
}

function silenceCase({ protocol, name, role, needs, asWriter, caller }: Listener): Case {
  return {
    id: `NT-WIRE-009/${protocol}-silence`,
    title: `${name} cuts off a caller that opens a stream and says nothing`,
    role,
    needs,
    intrusive: true,
    timeoutMs: DEADLINE_MS_MAX + 10_000,
    byHand: (target) =>
      send(target, {
        protocol,
        asWriter,
        keepOpen: true,
        shows: 'a reset, after 10 s by default',
      }),
    async run(context) {
      const stream = await open(context, { caller: await caller(context), protocol })
      await expectCutOff(context, stream, 'nothing at all')
    },
  }
}

function dribbleCase(subject: Listener): Case {
  const { protocol, name, role, needs, caller } = subject
  const id = `NT-WIRE-009/${protocol}-dribble`
  return {
    id,
    title: `${name} cuts off a caller that sends one byte every ${DRIBBLE_MS} ms`,
    role,
    needs,
    intrusive: true,
    timeoutMs: DEADLINE_MS_MAX + 10_000,
    byHand: (target) =>
      send(target, {
        protocol,
        asWriter: subject.asWriter,
        bytes: frame(fields([15, new Uint8Array(200)])),
        slowlyMs: DRIBBLE_MS,
        keepOpen: true,
        shows: 'a reset after 10 s by default: the deadline is for the whole request',
      }),
    async run(context) {
      const stream = await open(context, { caller: await caller(context), protocol })
      const ended = new AbortController()
      context.defer(() => ended.abort())
      const dribble = async (): Promise<void> => {
        // A request that would take an hour.
        const bytes = frame(fields([15, new Uint8Array(12_000)]))
        for (const byte of bytes) {
          if (!stream.send(Uint8Array.of(byte))) return
          await delay(DRIBBLE_MS, undefined, { signal: ended.signal })
        }
      }
      dribble().catch(() => {})
      await expectCutOff(context, stream, `one byte every ${DRIBBLE_MS} ms`)
    },
  }
}

async function expectCutOff(
  context: CheckContext,
  stream: PatientStream,
  what: string,
): Promise<void> {
  const { end } = await everything(context, stream, DEADLINE_MS_MAX)
  if (end !== 'reset') {
    fail(`a reset within ${DEADLINE_MS_MAX} ms of ${what}`, `a stream that was ${endText(end)}`)
  }
}

function halfOpenCase({ protocol, name, role, caller }: Speaker): Case {
  return {
    id: `NT-WIRE-009/${protocol}-half-open`,
    title: `${name} resets a stream that its caller leaves half open after the answer`,
    role,
    intrusive: true,
    timeoutMs: DEADLINE_MS_MAX + 10_000,
    byHand: (target) =>
      send(target, {
        protocol,
        keepOpen: true,
        shows: 'an answer, and a reset 10 s after it by default',
      }),
    async run(context) {
      const stream = await open(context, { caller: await caller(context), protocol })
      await answer(context, stream, 'an answer')
      const { signal } = context
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS_MAX)])
      const end = await stream.gone(deadline)
      signal.throwIfAborted()
      if (end === 'open') {
        fail(
          `a reset within ${DEADLINE_MS_MAX} ms of the answer`,
          'a stream that is half open still',
        )
      }
    },
  }
}

/** Each connection has fewer than libp2p itself allows by default, which is 32 of a protocol. */
const STREAMS_OF_CONNECTION = 30
const CONNECTIONS = 3
/** A stream that is refused is so at once; the others stay. */
const REFUSAL_MS_MAX = 3_000

function streamsCase({
  protocol,
  name,
  role,
}: Pick<Speaker | Listener, 'name' | 'role'> & { readonly protocol: ProtocolName }): Case {
  const id = `NT-WIRE-010/${protocol}-streams`
  return {
    id,
    title: `${name} resets streams of a peer that has too many open, and serves others meanwhile`,
    role,
    intrusive: true,
    timeoutMs: 30_000,
    byHand: () =>
      notByHand(id, {
        why: 'it takes many streams of one peer at once, on several connections',
        shows: `${STREAMS_OF_CONNECTION * CONNECTIONS} streams that stay open`,
      }),
    async run(context) {
      const greedy = await newCaller(context)
      const address = needAddress(context.target, role as 'proof' | 'issue' | 'dns01')
      const { signal } = context
      const streams: RawStream[] = []
      const refusals = Promise.withResolvers<boolean>()
      const openOn = async (): Promise<void> => {
        const connection = await greedy.connect(address, { signal, anew: true })
        for (let index = 0; index < STREAMS_OF_CONNECTION; index++) {
          const stream = await open(context, { caller: greedy, connection, protocol }).catch(early)
          if (stream === undefined) return refusals.resolve(true)
          streams.push(stream)
          // Of its own opening: later it is one that has been silent for too long.
          const soon = AbortSignal.any([signal, AbortSignal.timeout(REFUSAL_MS_MAX)])
          void stream.gone(soon).then((end) => {
            if (end === 'reset') refusals.resolve(true)
          })
        }
      }
      // One after the other: libp2p itself refuses streams of a connection that has just been made.
      for (let count = 0; count < CONNECTIONS; count++) await openOn()
      const late = setTimeout(() => refusals.resolve(false), REFUSAL_MS_MAX)
      const anyRefused = await refusals.promise
      clearTimeout(late)
      signal.throwIfAborted()
      if (!anyRefused) {
        fail(
          `the reset of some of ${streams.length} streams that one peer has open, within ${REFUSAL_MS_MAX} ms`,
          'that all stay open',
        )
      }
      await expectOthersServed(context, protocol)
      for (const stream of streams) stream.reset()
    },
  }
}

/** A stream can be refused before its protocol is agreed on. */
function early(error: Error): undefined {
  if (error.name !== 'StreamResetError') throw error
}

async function expectOthersServed(context: CheckContext, protocol: ProtocolName): Promise<void> {
  const other = await newCaller(context)
  const stream = await open(context, { caller: other, protocol })
  if (protocol === 'issue') stream.send(frame(new Uint8Array(0)))
  await answer(context, stream, 'an answer to another peer meanwhile')
  stream.closeWrite()
}
