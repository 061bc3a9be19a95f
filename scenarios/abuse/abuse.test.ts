// The short form of npm run abuse, and that it finds what it looks for.
import fc from 'fast-check'
import { test } from 'tap'
import { wire } from '../../impl/index.ts'
import { compare } from './compare.ts'
import { answerProblem } from './dns-packets.ts'
import { Findings } from './findings.ts'
import { FRAME_KINDS } from './frames.ts'
import { Inputs, mutated } from './inputs.ts'
import { abuse } from './run.ts'
import { SUBJECTS } from './subjects.ts'
import type { Subject } from './subject.ts'

const SEED = 20_260_730

/** The last one: nothing is alive after it. */
const KILL: Subject = {
  name: 'kill',
  title: 'an input that ends the servers',
  unit: 'inputs',
  amount: { long: 1, short: 1 },
  async attack({ signal, places }) {
    process.kill(places.processId, 'SIGKILL')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    signal.throwIfAborted()
  },
}

test('NT-WIRE-005 NT-WIRE-010 servers outlive abuse of every kind, serve others meanwhile, and keep nothing of it', async (t) => {
  const reports = await abuse({
    subjects: [...SUBJECTS, KILL],
    amount: 'short',
    seed: SEED,
    signal: AbortSignal.timeout(280_000),
    progress: () => {},
  })
  for (const { name, unit, sent, problems } of reports.slice(0, -1)) {
    t.strictSame(problems, [], `${sent} ${unit}, ${name}`)
    t.ok(sent > 0)
  }
  t.match(
    reports.at(-1)?.problems,
    [/^the servers ended with SIGKILL[^]*inputs from 0 were under way/],
    'and when they do not, it is told',
  )
})

test('every protocol that there is gets abuse', (t) => {
  const protocols = Object.entries(wire).flatMap(([name, value]) =>
    name.endsWith('_PROTOCOL') ? [value] : [],
  )
  t.ok(protocols.length > 5)
  const abused = Object.values(FRAME_KINDS).map(({ protocol }) => protocol)
  t.strictSame(new Set(abused), new Set(protocols))
  t.end()
})

test('an input that does harm is named, and how to send it again alone', (t) => {
  const signal = new AbortController().signal
  const findings = new Findings('dns-udp', { seed: SEED, signal })
  findings.failed(7, 'no answer')
  const again = `npm run abuse -- --seed ${SEED} --only dns-udp --inputs`
  t.strictSame(findings.problems, [`input 7: no answer; again: ${again} 7-7`])
  findings.next = 32
  findings.fatal(new Error('aborted'), [
    { death: undefined },
    { death: 'the servers ended with 1' },
  ])
  t.match(findings.problems[1], `inputs from 32 were under way; again: ${again} 32-531`)
  t.throws(
    () => new Findings('x', { seed: 1, signal: AbortSignal.abort() }).fatal(new Error('end'), []),
    {
      message: 'end',
    },
  )
  t.end()
})

test('the time of others is judged by the middle of the rounds, and not where there is too little of it', (t) => {
  const look = (ms: number, count = 5) => ({
    durationsMs: {
      'DNS over UDP': Array.from({ length: count }, () => ms),
      'DNS over TCP': [ms],
      proof: [],
      'proof for a newcomer': [],
    },
    failures: [`proof: after ${ms} ms`],
  })
  const usual = [look(1), look(10), look(2)]
  const [udp, tcp, proof] = compare(usual, [look(3), look(30), look(200)])
  t.match(udp, { ratio: 3, usual: { count: 15, p50: 2 }, during: { p50: 30, p95: 200 } })
  t.equal(tcp?.ratio, 0)
  t.strictSame(proof?.failures, ['proof: after 3 ms', 'proof: after 30 ms', 'proof: after 200 ms'])
  t.end()
})

test('inputs are the same for the same seed and index, whichever came before', (t) => {
  const arbitrary = mutated(fc.constant(new Uint8Array(20)))
  const source = { seed: SEED, name: 'example' }
  const all = new Inputs(arbitrary, source)
  const [, first, second] = [all.at(0), all.at(1), all.at(1_234)]
  t.strictSame(new Inputs(arbitrary, source).at(1_234), second)
  t.strictSame(all.at(1), first)
  const others = new Inputs(arbitrary, { ...source, seed: SEED + 1 })
  t.notSame([others.at(1), others.at(1_234)], [first, second])
  t.end()
})

test('answers to DNS packets are judged', (t) => {
  const query = Buffer.from('000701000001000000000000', 'hex')
  for (const [what, packet, answer, problem] of [
    ['right', query, '000785000001000000000000', undefined],
    ['to an answer', Buffer.from('000781000001000000000000', 'hex'), '0007850000', /no query/],
    ['to what is too short', query.subarray(0, 11), '000785000001000000000000', /no query/],
    ['cut', query, '0007', /of 2 bytes/],
    ['long', query, `0007850000${'00'.repeat(1_300)}`, /of 1305 bytes over udp/],
    ['without QR', query, '000705000001000000000000', /without QR/],
    ['with another opcode', query, '0007a5000001000000000000', /another opcode/],
    ['recursive', query, '000785800001000000000000', /recursion/],
    ['SERVFAIL', query, '000785020001000000000000', /RCODE 2/],
  ] as const) {
    const found = answerProblem(packet, Buffer.from(answer, 'hex'), 'udp')
    if (problem === undefined) t.equal(found, undefined, what)
    else t.match(found, problem, what)
  }
  t.end()
})
