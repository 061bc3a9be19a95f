// What is no request: this stream is reset, or answered with error 9, and nothing else happens.
import type { Caller } from '../../players/caller.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import { ERRORS, errorText, fields, frame, join } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { ask, endText, errorOf, everything, expectCode, fail, hex, open } from '../exchange.ts'
import type { PatientStream } from '../patient-stream.ts'
import { LISTENERS, SPEAKERS, type Listener, type Speaker } from './subjects.ts'

interface Fault {
  readonly slug: string
  /** Completes "the server gets". */
  readonly what: string
  readonly bytes: Uint8Array
  /** The caller's side stays open: the fault has to be seen without its end. */
  readonly leaveOpen?: true
  /** Where an empty message is a request, these bytes are some. */
  readonly onlyWhereEmptyIsMalformed?: true
}

/** A request of dns-01 and one of issue alike: two fields of bytes. */
const TWO_FIELDS = fields([1, 'a.invalid'], [16, 'v'])

const FAULTS: readonly Fault[] = [
  {
    slug: 'cut-body',
    what: 'a frame that ends in the middle, with the stream',
    bytes: frame(TWO_FIELDS).subarray(0, 6),
  },
  {
    slug: 'cut-length',
    what: 'half a length, and the end of the stream',
    bytes: Uint8Array.of(0x85),
  },
  {
    slug: 'wrong-wire-type',
    what: 'field 1 as a number',
    bytes: frame(fields([1, 7], [16, 'v'])),
    leaveOpen: true,
    // Most decoders take such a field for one that they do not know.
    onlyWhereEmptyIsMalformed: true,
  },
  {
    slug: 'field-beyond-the-end',
    what: 'a field that claims 4 GiB',
    bytes: Uint8Array.from(Buffer.from('060affffffff0f', 'hex')),
    leaveOpen: true,
  },
  {
    slug: 'no-such-wire-type',
    what: 'a field of wire type 7',
    bytes: frame(Uint8Array.of(0x0f, 0x01)),
    leaveOpen: true,
  },
  {
    slug: 'text',
    what: 'a line of HTTP',
    bytes: Buffer.from('\x20GET / HTTP/1.1\r\nHost: a.invalid\r\n'),
    leaveOpen: true,
  },
  {
    slug: 'empty-message',
    what: 'a message without its required fields',
    bytes: Uint8Array.of(0),
    leaveOpen: true,
    onlyWhereEmptyIsMalformed: true,
  },
]

/** Not what a length begins with that people write in four bytes, but an empty message and more. */
const BIG_ENDIAN = join(Uint8Array.of(0, 0, 0, TWO_FIELDS.length), TWO_FIELDS)

export const MALFORMED_CASES: readonly Case[] = [
  ...LISTENERS.flatMap((subject) =>
    FAULTS.filter(
      (fault) => fault.onlyWhereEmptyIsMalformed !== true || subject.emptyIsMalformed,
    ).map((fault) => faultCase(subject, fault)),
  ),
  ...LISTENERS.filter(({ emptyIsMalformed }) => emptyIsMalformed).map((subject): Case => ({
    ...faultCase(subject, {
      slug: 'big-endian-length',
      what: 'a length of four bytes, as other protocols write them',
      bytes: BIG_ENDIAN,
      leaveOpen: true,
    }),
    id: `NT-WIRE-001/${subject.protocol}-big-endian-length`,
  })),
  ...SPEAKERS.map(noiseCase),
  ...LISTENERS.map(unknownFieldCase),
  ...LISTENERS.filter(({ role }) => role === 'dns01').flatMap((subject) => [
    invalidTextCase(subject, 'fqdn'),
    invalidTextCase(subject, 'value'),
  ]),
]

function faultCase(subject: Listener, { slug, what, bytes, leaveOpen }: Fault): Case {
  const { protocol, name, role, needs, asWriter } = subject
  return {
    id: `NT-WIRE-005/${protocol}-${slug}`,
    title: `${name} resets the stream, or answers 9, when it gets ${what}; the connection goes on`,
    role,
    needs,
    byHand: (target) =>
      send(target, { protocol, asWriter, bytes, shows: 'a reset, or a frame with error 9' }),
    async run(context) {
      const caller = await subject.caller(context)
      const stream = await open(context, { caller, protocol })
      stream.send(bytes)
      if (leaveOpen !== true) stream.closeWrite()
      await expectRefused(context, stream, what)
      await expectAlive(context, subject, caller)
    },
  }
}

/** Reset without an answer, or error 9. Nothing that could be taken for an answer to a request, and no silence. */
export async function expectRefused(
  context: CheckContext,
  stream: PatientStream,
  what: string,
): Promise<void> {
  const { messages, end } = await everything(context, stream)
  const [message] = messages
  const wanted = `a reset, or error ${errorText(ERRORS.OTHER)}, after ${what}`
  if (message === undefined) {
    if (end !== 'reset') fail(wanted, `a stream that was ${endText(end)}`)
    return
  }
  const error = errorOf(message)
  if (error !== ERRORS.OTHER) fail(wanted, `error ${errorText(error)}, in ${hex(message)}`)
  stream.reset()
}

/** A request on a new stream of the same connection is answered. */
async function expectAlive(
  context: CheckContext,
  { protocol, name, refused }: Listener,
  caller: Caller,
): Promise<void> {
  const { request, error } = refused(context.target)
  const connections = caller.node.getConnections()
  const what = `an answer of ${name} on another stream of the same connection afterwards`
  const message = await ask(context, { caller, protocol, request, what })
  expectCode(errorOf(message), error, what)
  if (!caller.node.getConnections().some((connection) => connections.includes(connection))) {
    fail('the connection to go on', 'that it was closed')
  }
}

function noiseCase(subject: Speaker): Case {
  const { protocol, name, role } = subject
  const bytes = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  return {
    id: `NT-WIRE-005/${protocol}-noise`,
    title: `${name} answers a caller that sends bytes of no sense, which it has not to read`,
    role,
    byHand: (target) => send(target, { protocol, bytes, shows: 'the answer all the same' }),
    async run(context) {
      const stream = await open(context, { caller: await subject.caller(context), protocol })
      stream.send(bytes)
      const { messages, end } = await everything(context, stream)
      stream.closeWrite()
      if (messages.length !== 1) {
        fail(
          'one answer, whatever a caller sends',
          `${messages.length} and a stream that was ${endText(end)}`,
        )
      }
    },
  }
}

function unknownFieldCase(subject: Listener): Case {
  const { protocol, name, role, needs, asWriter } = subject
  const unknown = fields([15, 'not of this version'], [2047, 1])
  return {
    id: `NT-WIRE-011/${protocol}-unknown-field`,
    title: `${name} skips fields that it does not know`,
    role,
    needs,
    byHand: (target) => {
      const { request, error } = subject.refused(target)
      const bytes = frame(join(unknown, request))
      return send(target, { protocol, asWriter, bytes, shows: `error ${error}, as without them` })
    },
    async run(context) {
      const caller = await subject.caller(context)
      for (const { request, error } of await subject.series(context, caller)) {
        const message = await ask(context, {
          caller,
          protocol,
          request: join(unknown, request, unknown),
        })
        expectCode(errorOf(message), error, 'the answer as without unknown fields')
      }
    },
  }
}

function invalidTextCase(subject: Listener, field: 'fqdn' | 'value'): Case {
  const { protocol, name, role, needs, asWriter } = subject
  // Without this byte the text is right: who leaves it out takes one text for another.
  const broken = (before: string, after: string): Uint8Array =>
    join(Buffer.from(before), Uint8Array.of(0xff), Buffer.from(after))
  const request = (zone: string): Uint8Array =>
    field === 'fqdn'
      ? fields([1, broken('a', `b.${zone}`)], [2, 'v'.repeat(43)])
      : fields([1, zone], [2, broken('v', 'v'.repeat(42))])
  return {
    id: `NT-WIRE-012/${protocol}-${field}`,
    title: `${name} refuses a ${field} that is not UTF-8`,
    role,
    needs,
    byHand: (target) =>
      send(target, {
        protocol,
        asWriter,
        bytes: frame(request(target.zone)),
        shows: 'a reset, or an error other than 0',
      }),
    async run(context) {
      const stream = await open(context, { caller: await subject.caller(context), protocol })
      stream.send(frame(request(context.target.zone)))
      stream.closeWrite()
      const { messages, end } = await everything(context, stream)
      const [message] = messages
      if (message === undefined) {
        if (end === 'open') fail('a reset, or an error', 'silence')
      } else if (errorOf(message) === ERRORS.OK) {
        fail(`a reset, or an error, for a ${field} with the byte ff`, `error 0 (OK)`)
      }
    },
  }
}
