// DNS servers that are wrong in one way on the protocol by which challenges are set.
import { mutantsOf } from './mutant.ts'

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
    setTimeout(() => challenges.set(challenge, now), 2_000)`,
    breaks: 'NT-DNS01-003',
    // What is set at once cannot be asked for at once: whatever a check has to do with challenges.
    neighbours: [
      'NT-DNS-016',
      'NT-DNS-017',
      'NT-DNS-026',
      'NT-DNS-029',
      'NT-DNS-058',
      'NT-DNS-060',
      'NT-DNS01-001',
      'NT-DNS01-002',
      'NT-DNS01-004',
      'NT-DNS01-005',
      'NT-DNS01-007',
      'NT-DNS01-011',
      'NT-DNS01-015',
    ],
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
])
