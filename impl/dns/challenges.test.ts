import { test } from 'tap'
import { parseChallenge } from './challenge-request.ts'
import { ChallengeStore } from './challenges.ts'
import { RateBound } from '../wire/rate-bound.ts'

const VALUE = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0'
const OTHER = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA'

test('NT-DNS01-007 NT-DNS01-008 values of one name stand side by side, each expires on its own, and lives on when set again', (t) => {
  const store = new ChallengeStore()
  const name = 'x.nt.test'
  const at = (now: number): string[] => [...(store.values(name, now) ?? [])]
  t.equal(store.set({ name, value: VALUE }, 1_000), 'set')
  t.equal(store.set({ name, value: OTHER }, 31_000), 'set')
  t.same(at(120_999), [VALUE, OTHER])
  t.same(at(121_000), [OTHER], '120 s after it was set')
  t.equal(store.set({ name, value: OTHER }, 140_000), 'renewed')
  t.same(at(151_000), [OTHER], '120 s after it was first set')
  t.same(at(259_999), [OTHER])
  t.equal(store.isAbove('nt.test', 259_999), true)
  t.same(at(260_000), [])
  t.equal(store.isAbove('nt.test', 260_000), false)
  t.equal(store.size, 0)
  t.end()
})

test('NT-DNS-029 a name exists while anything is at or below it, and removing takes one value only', (t) => {
  const store = new ChallengeStore()
  store.set({ name: 'a.b.nt.test', value: VALUE }, 0)
  store.set({ name: 'a.b.nt.test', value: OTHER }, 0)
  store.set({ name: 'c.b.nt.test', value: VALUE }, 0)
  t.equal(store.remove({ name: 'a.b.nt.test', value: VALUE }, 0), true)
  t.equal(store.remove({ name: 'a.b.nt.test', value: VALUE }, 0), false)
  t.same([...(store.values('a.b.nt.test', 0) ?? [])], [OTHER])
  t.equal(store.isAbove('a.b.nt.test', 0), true)
  store.remove({ name: 'a.b.nt.test', value: OTHER }, 0)
  t.equal(store.isAbove('a.b.nt.test', 0), false)
  t.equal(store.isAbove('b.nt.test', 0), true)
  store.remove({ name: 'c.b.nt.test', value: VALUE }, 0)
  t.equal(store.isAbove('b.nt.test', 0), false)
  t.end()
})

test('NT-DNS01-011 a full store takes no more until something expires', (t) => {
  const store = new ChallengeStore({ namesMax: 2, valuesPerNameMax: 2, lifetimeMs: 10 })
  const set = (name: string, value: string, now = 0): string => store.set({ name, value }, now)
  t.same([set('a', VALUE), set('a', OTHER), set('b', VALUE)], ['set', 'set', 'set'])
  t.equal(set('a', 'third'), 'too many values')
  t.equal(set('c', VALUE), 'too many names')
  t.equal(set('a', OTHER, 5), 'renewed', 'what is there is still renewed')
  t.equal(store.size, 3)
  t.equal(set('c', VALUE, 10), 'set')
  t.end()
})

test('NT-DNS01-002 NT-DNS01-004 NT-DNS01-005 NT-DNS01-006 NT-DNS01-010 a request names something in the zone and carries a digest', (t) => {
  const long = `${'x'.repeat(63)}.${'x'.repeat(63)}.${'x'.repeat(63)}.${'x'.repeat(37)}.nt.test`
  t.equal(long.length + '_acme-challenge.'.length, 253)
  const taken: [fqdn: string, name: string][] = [
    ['ip41-2-3-4.nt.test', 'ip41-2-3-4.nt.test'],
    ['IP41-2-3-4.Nt.TesT.', 'ip41-2-3-4.nt.test'],
    ['nt.test', 'nt.test'],
    ['a.b.nt.test', 'a.b.nt.test'],
    [long, long],
  ]
  for (const [fqdn, name] of taken) {
    t.same(
      parseChallenge({ fqdn, value: VALUE }, 'nt.test'),
      { kind: 'challenge', challenge: { name, value: VALUE } },
      fqdn,
    )
  }
  const refused: [fqdn: string, value: string, code: string][] = [
    ['example.org', VALUE, 'NOT_AUTHORIZED'],
    ['evilnt.test', VALUE, 'NOT_AUTHORIZED'],
    ['test', VALUE, 'NOT_AUTHORIZED'],
    ['', VALUE, 'NOT_AUTHORIZED'],
    ['.', VALUE, 'NOT_AUTHORIZED'],
    ['.nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['nt.test..', VALUE, 'NOT_AUTHORIZED'],
    ['a..nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['a\0.nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['a b.nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['-a.nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['a_b.nt.test', VALUE, 'NOT_AUTHORIZED'],
    ['\u212a.nt.test', VALUE, 'NOT_AUTHORIZED'],
    [`${'x'.repeat(64)}.nt.test`, VALUE, 'NOT_AUTHORIZED'],
    [`x${long}`, VALUE, 'NOT_AUTHORIZED'],
    [`${'x'.repeat(300)}.nt.test`, VALUE, 'NOT_AUTHORIZED'],
    [`${'a.'.repeat(9)}nt.test`, VALUE, 'OTHER'],
    ['_acme-challenge.x.nt.test', VALUE, 'OTHER'],
    ['_ACME-Challenge.nt.test.', VALUE, 'OTHER'],
    ['*.nt.test', VALUE, 'OTHER'],
    ['x.nt.test', '', 'OTHER'],
    ['x.nt.test', VALUE.slice(1), 'OTHER'],
    ['x.nt.test', `${VALUE}=`, 'OTHER'],
    ['x.nt.test', `${VALUE.slice(1)}+`, 'OTHER'],
    ['x.nt.test', `${VALUE.slice(1)}\n`, 'OTHER'],
    ['x.nt.test', 'A'.repeat(256), 'OTHER'],
    ['x.nt.test', '\0'.repeat(43), 'OTHER'],
  ]
  for (const [fqdn, value, code] of refused) {
    const verdict = parseChallenge({ fqdn, value }, 'nt.test')
    t.match(verdict, { kind: 'refused', code }, JSON.stringify([fqdn, value]))
    t.ok(verdict.kind === 'refused' && verdict.reason.length < 250, 'with a short reason')
  }
  t.end()
})

test('a rate bound lets so many through a second, and says how many it did not', (t) => {
  const bound = new RateBound({ perSecond: 2 })
  const seen: number[] = []
  for (const now of [0, 1, 2, 999, 1_000, 1_001, 1_002, 2_500]) bound.run(now, (n) => seen.push(n))
  t.same(seen, [0, 0, 2, 0, 1])
  t.end()
})
