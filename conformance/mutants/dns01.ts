// DNS servers that are wrong in one way on the protocol by which challenges are set, and on streams at large.
import { mutantsOf } from './mutant.ts'

/** What is set at once cannot be asked for at once: whatever a check has to do with challenges. */
const ALL_WITH_CHALLENGES = [
  'NT-DNS01-*',
  'NT-DNS-016',
  'NT-DNS-017',
  'NT-DNS-026',
  'NT-DNS-027',
  'NT-DNS-028',
  'NT-DNS-029',
  'NT-DNS-040',
  'NT-DNS-058',
  'NT-DNS-060',
]

export const DNS01_MUTANTS = mutantsOf('dns01', [
  {
    id: 'anybody-writes',
    file: 'impl/dns/dns01.ts',
    find: 'if (!this.#writers.has(peerKey(connection.remotePeer))) {',
    replace: 'if (this.#writers.size === 0) {',
    breaks: 'NT-DNS01-001',
    // A peer whose streams are counted is no writer, and is told so.
    neighbours: ['NT-WIRE-010'],
    why: 'whoever calls can have certificates for the whole zone',
  },
  {
    id: 'strangers-in-silence',
    file: 'impl/dns/dns01.ts',
    find: 'await respond(code)\n      return',
    replace: 'return',
    breaks: 'NT-DNS01-001',
    // A peer whose streams are counted is no writer, and is told so.
    neighbours: ['NT-WIRE-010'],
    why: 'says nothing to who is no writer, as in 2018',
  },
  {
    id: 'values-at-the-name',
    file: 'impl/dns/answer.ts',
    find: 'if (labels[0] === CHALLENGE_LABEL) return findChallenges(labels.slice(1), context)',
    replace: `if (labels[0] === CHALLENGE_LABEL) return findChallenges(labels.slice(1), context)
  if (labels.length > 0 && context.zone.find(labels) === undefined) {
    const name = [...labels, context.zone.name].join('.')
    if (context.challenges.values(name, context.now)) return findChallenges(labels, context)
  }`,
    breaks: 'NT-DNS01-002',
    neighbours: ['NT-DNS-029'],
    why: 'shows values at the name itself too',
  },
  {
    id: 'visible-after-ok',
    file: 'impl/dns/dns01.ts',
    find: 'const outcome = challenges.set(challenge, now)',
    replace: `let outcome = 'set'
    setTimeout(() => challenges.set(challenge, now), 250)`,
    breaks: 'NT-DNS01-003',
    neighbours: ALL_WITH_CHALLENGES,
    why: 'says OK first and stores then',
  },
  {
    id: 'suffix-of-the-zone',
    file: 'impl/dns/challenge-request.ts',
    find: '!name.endsWith(`.${zone}`)',
    replace: '!name.endsWith(zone)',
    breaks: 'NT-DNS01-004',
    why: 'takes evilnt.example for a name of nt.example',
  },
  {
    id: 'any-label',
    file: 'impl/dns/challenge-request.ts',
    find: 'LABEL_PATTERN.test(label)',
    replace: 'label.length > 0',
    breaks: 'NT-DNS01-004',
    why: 'stores names that no host has',
  },
  {
    id: 'final-dot-kept',
    file: 'impl/dns/challenge-request.ts',
    find: String.raw`request.fqdn.toLowerCase().replace(/\.$/, '')`,
    replace: 'request.fqdn.toLowerCase()',
    breaks: 'NT-DNS01-005',
    neighbours: ['NT-DNS01-015'],
    why: 'a complete name with its dot is none of the zone',
  },
  {
    id: 'case-kept',
    file: 'impl/dns/challenge-request.ts',
    find: 'request.fqdn.toLowerCase()',
    replace: 'request.fqdn',
    breaks: 'NT-DNS01-005',
    neighbours: ['NT-DNS01-006', 'NT-DNS01-015'],
    why: 'values that are stored in mixed case are never found, as in 2018',
  },
  {
    id: 'prefix-doubled',
    file: 'impl/dns/challenge-request.ts',
    find: "if (labels.includes(CHALLENGE_LABEL) || labels.includes('*')) {",
    replace: "if (labels.includes('*')) {",
    breaks: 'NT-DNS01-006',
    why: 'has no word of its own for a name that has the prefix',
  },
  {
    id: 'last-value-wins',
    file: 'impl/dns/challenges.ts',
    find: 'values.add(value)',
    replace: 'values.clear()\n        values.add(value)',
    breaks: 'NT-DNS01-007',
    neighbours: ['NT-DNS01-011', 'NT-DNS-026', 'NT-DNS-058', 'NT-DNS-060'],
    why: 'a second value takes the place of the first, as in 2018: two orders at once spoil each other',
  },
  {
    id: 'values-for-ever',
    file: 'impl/dns/challenges.ts',
    find: 'expiresAt: now + this.#lifetimeMs',
    replace: 'expiresAt: Infinity',
    breaks: 'NT-DNS01-008',
    why: 'never forgets a value',
  },
  {
    id: 'answers-overtake',
    file: 'impl/dns/dns01.ts',
    find: `for (;;) {
      const message = await frames.read(requestSignal)
      if (message === undefined) return
      await respond(this.#apply(operation, DNS01Request.decode(message), writer))
    }`,
    replace: `const late = []
    for (;;) {
      const message = await frames.read(requestSignal)
      if (message === undefined) return void (await Promise.all(late))
      const code = this.#apply(operation, DNS01Request.decode(message), writer)
      if (code !== 0) await respond(code)
      else late.push(new Promise((resolve) => setTimeout(resolve, 20)).then(() => respond(code)))
    }`,
    breaks: 'NT-DNS01-009',
    neighbours: ['NT-WIRE-003'],
    why: 'refuses at once what came later',
  },
  {
    id: 'any-value',
    file: 'impl/dns/challenge-request.ts',
    find: '/^[A-Za-z0-9_-]{43}$/',
    replace: '/^[A-Za-z0-9_-]*$/',
    breaks: 'NT-DNS01-010',
    why: 'does not count the characters of a value',
  },
  {
    id: 'values-without-bound',
    file: 'impl/dns/challenges.ts',
    find: "if (values.size >= this.#valuesPerNameMax) return 'too many values'",
    replace: '',
    breaks: 'NT-DNS01-011',
    why: 'stores as many values as anybody sets',
  },
  {
    id: 'records-hidden',
    file: 'impl/dns/answer.ts',
    find: 'return context.zone.find(labels) ?? findAboveChallenges(labels, context)',
    replace: `const above = labels.length === 1 ? findAboveChallenges(labels, context) : undefined
  return above ?? context.zone.find(labels) ?? findAboveChallenges(labels, context)`,
    breaks: 'NT-DNS01-014',
    why: 'a name with a challenge below it has no records of its own any more',
  },
  {
    id: 'removal-removes-all',
    file: 'impl/dns/challenges.ts',
    find: 'return this.#delete(challenge)',
    replace: `const { name } = challenge
    for (const value of this.#values.get(name) ?? []) this.#delete({ name, value })
    return true`,
    breaks: 'NT-DNS01-015',
    why: 'takes away the values of other orders too',
  },
  {
    id: 'error-zero-left-out',
    file: 'impl/dns/dns01.ts',
    find: 'frames.write(DNS01Response.encode({ error }), requestSignal)',
    replace: `frames.write(error === 0 ? new Uint8Array() : DNS01Response.encode({ error }), requestSignal)`,
    breaks: 'NT-WIRE-002',
    neighbours: [...ALL_WITH_CHALLENGES, 'NT-WIRE-*'],
    why: 'leaves out a field that is 0, as encoders of proto3 do: decoders of 2018 throw',
  },
  {
    id: 'connection-closed',
    file: 'impl/wire/serve.ts',
    find: 'refuse(error as Error)',
    replace: 'void connection.close()',
    breaks: 'NT-WIRE-005',
    neighbours: ['NT-WIRE-*'],
    why: 'ends the connection for what is wrong on one stream',
  },
  {
    id: 'frames-without-bound',
    file: 'impl/wire/protocols.ts',
    find: 'SERVER_FRAME_LENGTH_MAX = 64 * 1024',
    replace: 'SERVER_FRAME_LENGTH_MAX = 1024 ** 3',
    breaks: 'NT-WIRE-006',
    why: 'waits for whatever length is announced',
  },
  {
    id: 'short-frames-only',
    file: 'impl/wire/protocols.ts',
    find: 'SERVER_FRAME_LENGTH_MAX = 64 * 1024',
    replace: 'SERVER_FRAME_LENGTH_MAX = 4 * 1024',
    breaks: 'NT-WIRE-006',
    why: 'refuses a request of 64 KiB',
  },
  {
    id: 'endless-lengths',
    file: 'impl/wire/frames.ts',
    find: 'const LENGTH_PREFIX_BYTES_MAX = 5',
    replace: 'const LENGTH_PREFIX_BYTES_MAX = 5_000',
    breaks: 'NT-WIRE-007',
    why: 'goes on reading a length that has no end',
  },
  {
    id: 'long-lengths-refused',
    file: 'impl/wire/frames.ts',
    find: 'this.#length = length\n',
    replace: `if (byte === 0 && this.#prefix.length > 1) throw new FrameError('long form')
      this.#length = length\n`,
    breaks: 'NT-WIRE-008',
    why: 'refuses a length that is written in more bytes than needed',
  },
  {
    id: 'no-deadline',
    file: 'impl/wire/protocols.ts',
    find: 'REQUEST_TIMEOUT_MS = 10_000',
    replace: 'REQUEST_TIMEOUT_MS = 10_000_000',
    breaks: 'NT-WIRE-009',
    why: 'waits for a request as long as anybody likes',
  },
  {
    id: 'deadline-for-each-byte',
    file: 'impl/wire/stream.ts',
    find: 'signal ??= signalOf(deadline)',
    replace: 'signal = signalOf(deadline)',
    breaks: 'NT-WIRE-009',
    why: 'a byte now and then holds a stream for ever',
  },
  {
    id: 'streams-without-bound',
    file: 'impl/wire/serve.ts',
    find: 'if (ofPeer.size >= perPeerMax) {',
    replace: 'if (ofPeer.size >= perPeerMax * 1_000) {',
    breaks: 'NT-WIRE-010',
    why: 'serves as many streams of a peer as it opens',
  },
  {
    id: 'unknown-fields-refused',
    file: 'impl/wire/messages.ts',
    find: 'decoded = type.decode(bytes)\n',
    replace: `decoded = type.decode(bytes)
        if (type.encode(decoded).finish().length !== bytes.length) throw new Error('unknown field')\n`,
    breaks: 'NT-WIRE-011',
    neighbours: ['NT-WIRE-006'],
    why: 'can never be given a new field',
  },
  {
    id: 'broken-text-mended',
    file: 'impl/wire/messages.ts',
    find: 'throw new MalformedError(`field "${field.name}" is not valid UTF-8`)',
    replace: String.raw`return (value as string).replaceAll('\uFFFD', '')`,
    breaks: 'NT-WIRE-012',
    neighbours: ['NT-DNS01-010'],
    why: 'makes another text of what is not UTF-8',
  },
])
