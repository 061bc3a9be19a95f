// What a seed draws: data, the same each time, in which nothing shifts when something is left out.
import { test } from 'tap'
import { SeededRandom } from '../engine/sim/random.ts'
import { drawClockAhead } from './draw-clock.ts'
import { KINDS } from './draw-faults.ts'
import { drawPlan } from './draw.ts'
import { parseReduction, reduce, reductionText, replayLine, type TimedFault } from './plan.ts'
import { parseSeed, seedsFrom } from './seed-text.ts'
import { SOMETIMES } from './sometimes.ts'

const SEEDS = Array.from({ length: 300 }, (_, index) => String(index))

test('the same seed draws the same world, and another seed another', (t) => {
  const drawn = SEEDS.map((seed) => JSON.stringify(drawPlan(seed)))
  t.same(
    drawn,
    SEEDS.map((seed) => JSON.stringify(drawPlan(seed))),
  )
  t.equal(new Set(drawn).size, SEEDS.length)
  t.end()
})

test('over many seeds every kind of fault is drawn, on, and off', (t) => {
  const plans = SEEDS.map((seed) => drawPlan(seed))
  const kinds = plans.map(({ options }) => String(options['fault kinds']))
  for (const kind of Object.keys(KINDS)) {
    t.ok(
      kinds.some((on) => on.includes(kind)),
      `${kind} is on`,
    )
    t.ok(
      kinds.some((on) => !on.includes(kind)),
      `${kind} is off`,
    )
  }
  const met = new Set(plans.flatMap(({ faults }) => faults.map(({ kind }) => kind)))
  for (const kind of ['partition', 'ring', 'sleep', 'disk', 'clock', 'lie', 'lag', 'attack']) {
    t.ok(met.has(kind as never), kind)
  }
  t.end()
})

test('in some worlds faults meet at one moment, and whatever else happens there is as it is without', (t) => {
  const met = new Set<string>()
  for (const seed of SEEDS) {
    const { faults } = drawPlan(seed)
    // A canary has no coincidences, and no routers.
    const others = faults.filter((fault) => !isCoincident(fault) && fault.kind !== 'rebind')
    t.same(others, drawPlan(seed, 'canary').faults, seed)
    met.add(faults.flatMap((fault) => (isCoincident(fault) ? [fault.kind] : [])).join(' '))
  }
  t.same([...met].toSorted(), ['', 'crash', 'crash disturb', 'isolate'])
  t.end()
})

test('only a power cut tears a disk, and takes more or less of it', (t) => {
  const torn = Array.from({ length: 100 }, (_, seed) =>
    KINDS['crash']?.(new SeededRandom(seed), {
      all: ['issue1'],
      of: () => ['issue1'],
      behindNat: [],
    }),
  ).filter((fault) => fault?.kind === 'crash' && fault.disk === 'torn')
  const shares = torn.map((fault) => (fault?.kind === 'crash' ? (fault.lostShare ?? -1) : -1))
  t.ok(torn.every((fault) => fault?.kind === 'crash' && fault.powerCut === true))
  t.ok(Math.min(...shares) >= 0 && Math.max(...shares) <= 1)
  t.ok(new Set(shares).size > 5, `${shares.join(' ')}`)
  t.end()
})

test('whatever fault is drawn, a campaign tells whether it has met it', (t) => {
  const drawn = new Set(SEEDS.flatMap((seed) => drawPlan(seed).faults.map(({ kind }) => kind)))
  for (const kind of drawn) {
    const entry = { atMs: 0, host: '', event: `fault:${kind}`, detail: {} }
    t.ok(
      SOMETIMES.some(({ isMet }) => isMet(entry)),
      kind,
    )
  }
  t.end()
})

test('in some worlds with short certificates the clock of the first client is ahead', (t) => {
  const starts = { client1: 30_000, client2: 5_000 }
  const drawnFor = (validity: number | undefined): readonly TimedFault[] =>
    SEEDS.flatMap((seed) => drawClockAhead(new SeededRandom(seed), { starts, validity }))
  const drawn = drawnFor(200)
  t.ok(drawn.length > SEEDS.length / 3 && drawn.length < SEEDS.length, `${drawn.length} worlds`)
  for (const { kind, host, at, forMs } of drawn) {
    t.match({ kind, host }, { kind: 'clock', host: 'client2' })
    t.ok(Number(at) > starts.client2 && Number(at) < starts.client1 && forMs >= 20_000)
  }
  t.same(drawnFor(undefined), [], 'what lives for months does not end by an hour')

  const { isMet } = SOMETIMES.find(({ name }) => name.startsWith('the clock of a client')) ?? {}
  const ahead = SEEDS.map((seed) => drawPlan(seed).faults).filter((faults) =>
    faults.some(({ kind, host, ...detail }) =>
      isMet?.({ atMs: 0, host, event: `fault:${kind}`, detail }),
    ),
  )
  t.ok(ahead.length > SEEDS.length / 10, `a campaign meets it: ${ahead.length} worlds`)
  t.notOk(
    ahead.some((faults) => faults.length === 1),
    'where nothing else is done to anybody, this is not done either',
  )
  t.end()
})

test('clients are drawn at every kind of home; who cannot be reached is to announce nothing, and who can knows its port', (t) => {
  const homes = new Set<string>()
  for (const seed of SEEDS) {
    const ports = new Set<string>()
    for (const host of drawPlan(seed).hosts) {
      if (host.role !== 'client') continue
      const { nat, firewall, securePort, options, families } = host
      const [forward] = nat?.forwards ?? []
      homes.add(`${nat?.kind} ${nat?.router} ${forward !== undefined} ${firewall?.open?.length}`)
      if (nat === undefined && firewall === undefined) continue
      if (nat !== undefined) t.ok(families?.includes(4), 'a NAT is of IPv4')
      const isOpen = nat === undefined ? firewall?.open?.[0] === securePort : forward !== undefined
      t.equal(options?.announce ?? true, isOpen, `${seed} ${host.name}`)
      if (firewall !== undefined) t.equal(firewall.open?.[0], isOpen ? securePort : undefined)
      if (forward === undefined) continue
      t.equal(forward.to, securePort)
      t.equal(options?.announcePort ?? securePort, forward.port)
      const port = `${nat?.router ?? host.name} ${forward.port}`
      t.notOk(ports.has(port), 'no two lead to one port')
      ports.add(port)
    }
  }
  // Four kinds, alone and together, with a port and without; with IPv6 a firewall beside it; a firewall alone; nothing.
  t.ok(homes.size >= 4 * 2 * 2 + 3, [...homes].join('; '))
  t.end()
})

test('every fault heals by itself, and is about a host that is there', (t) => {
  for (const seed of SEEDS) {
    const { hosts, faults } = drawPlan(seed)
    const names = new Set([...hosts.map(({ name }) => name), 'ca', 'resolver'])
    for (const fault of faults) {
      t.ok(fault.forMs > 0)
      const about = [fault.host, ...('with' in fault ? (fault.with ?? []) : [])]
      t.same(
        about.filter((name) => !names.has(name)),
        [],
        `${seed} ${fault.kind}`,
      )
    }
  }
  t.end()
})

test('what is left out of a world shifts nothing of the rest', (t) => {
  const plan = drawPlan(SEEDS.find((seed) => drawPlan(seed).faults.length > 5) ?? '')
  const less = reduce(plan, { faults: [1, 3], without: ['client1'], halved: { 3: 2 } })
  t.notOk(less.hosts.some(({ name }) => name === 'client1'))
  t.same(less.starts, plan.starts)
  t.same(less.link, plan.link)
  const kept = [plan.faults[1], plan.faults[3]].filter(
    (fault) => fault !== undefined && fault.host !== 'client1',
  )
  const undated = (faults: readonly (object | undefined)[]): object[] =>
    faults.map((fault) => ({ ...fault, forMs: undefined }))
  t.same(undated(less.faults), undated(kept))
  t.end()
})

test('a reduced world is named by options of the command line, which read back the same', (t) => {
  const cases = [
    {},
    { faults: [] },
    { faults: [0, 17] },
    { without: ['client2', 'dns2'] },
    { faults: [3], without: ['proof2'], halved: { 3: 2 } },
  ]
  for (const reduction of cases) {
    const words = reductionText(reduction).trim().split(' ')
    const options: Record<string, string> = {}
    for (let index = 0; index + 1 < words.length; index += 2) {
      options[(words[index] ?? '').slice(2)] = words[index + 1] ?? ''
    }
    t.same(parseReduction(options), reduction)
  }
  t.throws(() => parseReduction({ faults: 'x' }), SyntaxError)
  t.equal(
    replayLine('7', 'canary', { faults: [3] }),
    'npm run scenario -- replay 7 --world canary --faults 3',
  )
  t.end()
})

test('a seed is a number of 64 bits or the hash of a commit', (t) => {
  t.equal(parseSeed('18446744073709551615'), 2n ** 64n - 1n)
  t.equal(parseSeed('00000000000000ff0000000000000000000000aa'), 255n)
  for (const text of ['', '-1', '1.5', 'x', '18446744073709551616']) {
    t.throws(() => parseSeed(text), SyntaxError, text)
  }
  t.same([...seedsFrom(String(2n ** 64n - 1n), 3)], ['18446744073709551615', '0', '1'])
  t.end()
})

/** Those wait for what one issue server does. */
function isCoincident({ at }: TimedFault): boolean {
  return typeof at !== 'number' && at.detail?.['via'] !== undefined
}
