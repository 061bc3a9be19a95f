// What a run's page shows, without a browser: messages, faults, folding and filters as data. The page itself: the file
// page.real.test.ts.
import { test } from 'tap'
import { html } from '../markup/html-text.ts'
import { foldableRoles, lanesOf } from './page/lanes.ts'
import { foldText, linesOf, type Filter } from './page/lines.ts'
import { placedSpans } from './page/spans.ts'
import { lengthText, timeText } from './page/time.ts'
import { sequenceOf } from './sequence.ts'
import { makeStory, makeTimeline } from './testing.ts'

const ALL: Filter = {
  kinds: new Set(),
  everything: false,
  badOnly: false,
  words: [],
  hosts: new Set(),
  fold: true,
}

const peerOf = (host: string): string =>
  makeStory().hosts.find(({ name }) => name === host)?.peerId ?? ''

test('a message runs between the hosts that its event names, in the way that it went', (t) => {
  const cases = [
    ['proof1 proof:signed', { peer: peerOf('client1'), addresses: [] }, 'proof1 → client1'],
    ['client1 proof:failed', { server: peerOf('proof1'), reason: 'no' }, 'client1 → proof1'],
    ['client1 proof:received', { server: peerOf('proof1') }, 'alone'],
    ['issue1 request:received', { peer: peerOf('client2') }, 'client2 → issue1'],
    ['issue1 certificate:issued', { peer: peerOf('client2'), names: [] }, 'issue1 → client2'],
    ['issue1 order:created', { peer: peerOf('client2'), names: [] }, 'issue1 → ca'],
    ['ca ca:request', { via: 'issue1', resource: 'order' }, 'issue1 → ca'],
    ['dns1 challenge:set', { writer: peerOf('issue1'), name: 'x' }, 'issue1 → dns1'],
    ['issue1 challenge:set', { server: peerOf('dns1'), name: 'x' }, 'alone'],
    ['client1 peer:discovered', { peer: 'of somebody else' }, 'alone'],
    ['client1 certificate:obtained', { names: [] }, 'alone'],
  ] as const
  const timeline = makeTimeline(cases.map(([words, detail]) => [words, detail]))
  const { rows, hosts } = sequenceOf(makeStory({ timeline }))
  for (const [index, [words, , way]] of cases.entries()) {
    const { from, to } = rows[index] ?? {}
    const shown = from === undefined ? 'alone' : `${hosts[from]?.name} → ${hosts[to ?? -1]?.name}`
    t.equal(shown, way, words)
  }
  t.same(
    hosts.map(({ name }) => name),
    ['client1', 'client2', 'proof1', 'issue1', 'ca', 'dns1'],
    'lifelines stand in the order in which a request passes by them',
  )
  t.end()
})

test('a fault is shaded from when it began until it was healed, or to the end', (t) => {
  const timeline = makeTimeline([
    ['client1 host:started'],
    ['dns1 fault:hang'],
    ['proof1 fault:refuse'],
    ['dns1 fault:hang'],
    ['dns1 fault:healed', { kind: 'hang' }],
    ['client1 certificate:obtained', { names: [] }],
  ])
  const data = sequenceOf(makeStory({ timeline }))
  t.match(
    data.spans.map(({ host, ...span }) => ({ ...span, host: data.hosts[host]?.name })),
    [
      { host: 'dns1', kind: 'hang', fromMs: 1000, untilMs: 4000, healed: true },
      { host: 'proof1', kind: 'refuse', fromMs: 2000, untilMs: 5000, healed: false },
      { host: 'dns1', kind: 'hang', fromMs: 3000, untilMs: 5000, healed: false },
    ],
  )
  const geometry = { laneOf: [0, 1, 2, 3, 4], laneWidth: 20, lineHeight: 10, width: 100 }
  t.match(placedSpans(data, linesOf(data, ALL, new Set()), geometry), [
    { x: 90, top: 10, height: 35 },
    { x: 50, top: 20, height: 40 },
    { x: 90, top: 30, height: 30 },
  ])
  t.end()
})

test('what repeats is folded, and what somebody looks for never is', (t) => {
  const turns = Array.from({ length: 8 }, () => [
    ['proof1 proof:signed', { peer: peerOf('client1') }] as const,
    ['client1 proof:received', { server: peerOf('proof1') }] as const,
  ]).flat()
  const timeline = makeTimeline([
    ...turns,
    ['client2 proof:failed', { reason: 'silence' }],
    ['dns1 fault:hang'],
    ...turns.slice(0, 3),
    ...Array.from({ length: 5 }, () => ['client2 host:started'] as const),
  ])
  const data = sequenceOf(makeStory({ timeline }))
  const sizes = (filter: Partial<Filter>, unfolded: readonly number[] = []): readonly number[] =>
    linesOf(data, { ...ALL, ...filter }, new Set(unfolded)).map(({ rows }) => rows.length)
  t.same(sizes({}), [16, 1, 1, 1, 1, 1, 5])
  t.equal(sizes({}, [0]).length, 22, 'a fold opens')
  t.equal(sizes({ fold: false }).length, timeline.length)
  const [first] = linesOf(data, ALL, new Set())
  t.equal(foldText(data, first?.rows ?? []), '8 × proof:signed, 8 × proof:received')
  t.end()
})

test('filters leave what is asked for: a subject, a host, failures, words, also what only machines read', (t) => {
  const timeline = makeTimeline([
    ['client1 host:started', { addresses: ['203.0.113.4'] }],
    ['issue1 request:received', { peer: peerOf('client1') }],
    ['client1 certificate:failed', { reason: 'reset' }],
    ['dns1 fault:hang'],
    ['ca ca:request', { via: 'issue1', resource: 'order', status: 201 }],
  ])
  const data = sequenceOf(makeStory({ timeline }))
  const found = (filter: Partial<Filter>): string =>
    linesOf(data, { ...ALL, ...filter }, new Set())
      .map(({ first }) => first)
      .join(' ')
  t.equal(found({}), '0 1 2 3')
  t.equal(found({ everything: true }), '0 1 2 3 4')
  t.equal(found({ kinds: new Set(['certificates']) }), '1 2')
  t.equal(found({ badOnly: true }), '2 3', 'and the faults that led to them')
  t.equal(found({ hosts: new Set([0]) }), '0 1 2', 'also what others tell of it')
  t.equal(found({ words: ['client1', 'reset'] }), '2')
  t.equal(found({ words: ['201'], everything: true }), '4')
  t.end()
})

test('a crowd of one role is one lifeline until somebody opens it', (t) => {
  const hosts = [
    ...makeStory().hosts,
    ...Array.from({ length: 40 }, (_, index) => ({
      name: `client${index + 3}`,
      role: 'client',
      peerId: `peer${index}`,
      addresses: [],
    })),
  ]
  const data = sequenceOf(makeStory({ hosts }))
  t.same([...foldableRoles(data)], ['client'])
  t.match(lanesOf(data, new Set()), [{ name: 'client ×42' }, { name: 'proof1' }])
  t.equal(lanesOf(data, new Set(['client'])).length, 45)
  t.equal(lanesOf(sequenceOf(makeStory()), new Set()).length, 5, 'a small world shows all')
  t.end()
})

test('times are told as precisely as their size allows', (t) => {
  t.same([4370.4, 724_500, 3_600_000, 5_282_400_000].map(timeText), [
    '4.370 s',
    '12:04.5',
    '01:00:00',
    'day 61 03:20:00',
  ])
  t.same([12.4, 1500, 59_900, 12_000_000, 86_400_000 * 3 + 5].map(lengthText), [
    '12 ms',
    '1.5 s',
    '60 s',
    '3 h 20 min',
    '3 d',
  ])
  t.end()
})

test('markup that a host tells is text', (t) => {
  t.equal(html`<b>${'<i>"&'}</b>`.html, '<b>&lt;i&gt;&quot;&amp;</b>')
  t.end()
})
