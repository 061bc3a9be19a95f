// What people paste into a shell when they do not believe us: that there is something, and that it is what the check does.
import { test } from 'tap'
import { EXAMPLE_TARGET } from '../commands/example-target.ts'
import { openCaller } from '../players/caller.ts'
import { COMMAND } from '../suite/agent.ts'
import type { CheckContext } from '../suite/case.ts'
import { NO_LIMITS } from '../suite/rate-limits.ts'
import { generateKeyTexts } from '../suite/keys.ts'
import type { Target } from '../suite/target.ts'
import { IssueRequest } from '../wire/index.ts'
import { NOT_BY_HAND, withTargetFile } from './by-hand.ts'
import { CASES } from './index.ts'

/** Lines that show what a server does without the suite's judgement. */
const BY_HAND = [' send /', 'dig @', "node -e '", " client NT-[^ ]+ --exec '[^']*nt\\.env"].map(
  (text) => new RegExp(text.startsWith(' client') ? text : RegExp.escape(text)),
)

test('every check has lines that show it without our judgement, or says why there are none', async (t) => {
  const without: string[] = []
  for (const one of CASES) {
    const text = one.byHand(EXAMPLE_TARGET)
    t.notMatch(text, /undefined|<multiaddr|has no DNS server/, one.id)
    t.match(text, '# ', `${one.id} says what there is to see`)
    if (text.startsWith(NOT_BY_HAND)) {
      without.push(one.id)
      t.match(
        text,
        new RegExp(`^# not by hand: \\S.{20,}\\n.* run .* ${RegExp.escape(one.id)} `),
        one.id,
      )
    } else {
      t.ok(
        BY_HAND.some((line) => line.test(text)),
        `${one.id} can be done by hand: ${text}`,
      )
      t.notOk(text.includes(`${COMMAND} run `), `${one.id} only runs the suite again`)
    }
    const makes = text.includes(`--request-of ${one.id} `)
    t.equal(one.request !== undefined, makes, `${one.id}: send makes its request`)
  }
  t.ok(without.length < CASES.length / 8, `${without.length} of ${CASES.length}: ${without.join()}`)
})

test("lines can be pasted: they name the target's file as people do, quoted where a shell needs that", (t) => {
  const texts = CASES.map(({ byHand }) => byHand(EXAMPLE_TARGET))
  for (const [file, word] of [
    ['conformance/target.json', 'conformance/target.json'],
    ["my $1 servers' file", `'my $1 servers'\\'' file'`],
  ] as const) {
    const pasted = texts.map((text) => withTargetFile(text, file)).join('\n')
    for (const option of ['send .* --writer-of', 'send .* --target', 'run --target']) {
      t.match(pasted, new RegExp(`${option} ${RegExp.escape(word)}( |\n)`), option)
    }
    t.notMatch(pasted, ' target.json')
  }
  t.end()
})

test('the requests that send makes are about who sends them, and can be read where they shall be', async (t) => {
  const { privateKey } = await generateKeyTexts()
  const target: Target = {
    ...EXAMPLE_TARGET,
    capabilities: ['played-proof-server', 'csr'],
    players: { proofKey: privateKey },
  }
  const caller = await openCaller()
  t.teardown(() => caller.close())
  // These ask the proof server, or send the first one of two.
  const others = ['NT-PROOF-006', 'NT-ISSUE-036', 'NT-ISSUE-019']
  const making = CASES.filter(
    ({ id, request }) => request && !others.includes(id.split('/')[0] ?? ''),
  )
  t.ok(making.length > 80, `${making.length} checks`)
  for (const { id, request } of making) {
    const bytes = await request?.(contextOf(target), caller)
    const { proofs } = IssueRequest.decode(bytes ?? new Uint8Array(0))
    if (/^NT-ISSUE-0(15|2[0-4]|34|4[0-3])/.test(id)) {
      const own = Buffer.from(caller.id).toString('hex')
      for (const proof of proofs) t.match(Buffer.from(proof).toString('hex'), own, id)
      t.ok(proofs.length > 0, id)
    }
  }
})

function contextOf(target: Target): CheckContext {
  return {
    target,
    signal: new AbortController().signal,
    wire: { record: () => undefined },
    random: Math.random,
    pace: () => Promise.resolve(),
    limits: NO_LIMITS,
    defer: () => undefined,
    shared: async (_key, make) => (await make({ record: () => undefined })).value,
  }
}
