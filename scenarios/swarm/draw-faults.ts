import type { CaRule } from '../engine/ca/index.ts'
import type { Fault, FaultMoment, HostPlan } from '../engine/scenario.ts'
import { ATTACKS } from '../engine/simulated-faults.ts'
import type { Random, SeededRandom } from '../engine/sim/random.ts'
import { drawClockAhead } from './draw-clock.ts'
import { drawCoincidence } from './draw-coincidences.ts'
import type { TimedFault, WorldName } from './plan.ts'

const FAULTS_MAX = 20
/** Of those that an attacker makes whatever else happens: one that does nothing shows nothing. */
const ATTACKS_MAX = 6
/** Worlds in which nothing is done to anybody: there, nothing may fail at all. */
const CALM_SHARE = 0.1
const WEIGHT_MAX = 100
const FAULT_MS_MIN = 100
/** Most are short; some are longer than a short certificate lives. */
const FAULT_MS_MAXIMA = [1_000, 5_000, 30_000, 90_000] as const
/** Whom a server denies is seen by who asks it meanwhile. */
const DENIAL_MS_MAX = 60_000
/** Of denials that begin while the server is down: so it finds orders of somebody whom it does not serve any more. */
const DENIED_WHILE_DOWN_SHARE = 0.5
const DOWN_MS_MAX = 5_000

/** What a fault is without its time: undefined where the world has nobody for it. */
type Draw = (random: Random, world: Names) => Fault | undefined

interface Names {
  readonly all: readonly string[]
  readonly of: (role: HostPlan['role']) => readonly string[]
  readonly behindNat: readonly string[]
}

/** Draws the faults of a world: which kinds there are at all, how often each comes, and each one from its own stream. */
export function drawFaults(
  random: SeededRandom,
  init: {
    readonly hosts: readonly HostPlan[]
    readonly faultsMs: number
    readonly world: WorldName
    /** When each client is started, in ms. */
    readonly starts: Readonly<Record<string, number>>
    /** How long the CA's certificates live, in s; undefined for its own time. */
    readonly validity: number | undefined
  },
): { readonly faults: readonly TimedFault[]; readonly kinds: readonly string[] } {
  const names: Names = {
    all: [...init.hosts.map(({ name }) => name), 'ca', 'resolver'],
    of: (role) => init.hosts.filter((host) => host.role === role).map(({ name }) => name),
    behindNat: init.hosts.filter(({ nat }) => nat !== undefined).map(({ name }) => name),
  }
  const weights = random.fork('weights')
  const kinds = Object.keys(KINDS).flatMap((kind) => {
    const [isOn, weight] = [weights.float() < 0.5, weights.integer(1, WEIGHT_MAX)]
    return isOn ? [{ kind, weight }] : []
  })
  const counts = random.fork('fault count')
  const isCalm = counts.float() < CALM_SHARE || kinds.length === 0
  const count = isCalm ? 0 : counts.integer(1, FAULTS_MAX)
  const isAttacked = names.of('attacker').length > 0 && !isCalm
  const attacks = isAttacked ? random.fork('attack count').integer(1, ATTACKS_MAX) : 0
  const faults = Array.from({ length: count + attacks }, (_, index): readonly TimedFault[] => {
    const isAttack = index >= count
    const own = random.fork(isAttack ? `attack ${index - count}` : `fault ${index}`)
    const kind = isAttack ? 'attack' : weighted(own, kinds)
    const fault = KINDS[kind]?.(own, names)
    if (fault === undefined) return []
    const longest = kind === 'deny' ? DENIAL_MS_MAX : own.pick(FAULT_MS_MAXIMA)
    const forMs = own.integer(FAULT_MS_MIN, longest)
    const timed = { ...fault, at: drawMoment(own, init.faultsMs), forMs }
    if (kind !== 'deny' || own.float() >= DENIED_WHILE_DOWN_SHARE) return [timed]
    const down = own.integer(FAULT_MS_MIN, DOWN_MS_MAX)
    const crash = { kind: 'crash', host: timed.host, disk: 'kept', powerCut: false } as const
    return [timed, { ...crash, at: timed.at, forMs: down }]
  }).flat()
  const clocks = isCalm ? [] : drawClockAhead(random, init)
  const together = init.world === 'swarm' && !isCalm ? drawCoincidence(random, init) : []
  return {
    faults: [...faults, ...clocks, ...together].toSorted(inTime),
    kinds: kinds.map(({ kind }) => kind),
  }
}

/** Where an order stands: most of the time nothing goes on that a fault could hurt. */
const MOMENTS: readonly FaultMoment[] = [
  { event: 'proof:signed' },
  { event: 'request:received' },
  { event: 'order:created' },
  { event: 'challenge:set' },
  { event: 'certificate:issued' },
  { event: 'certificate:obtained' },
  { event: 'certificate:renewed' },
  { event: 'certificate:failed' },
  { event: 'announced' },
  ...['account', 'newOrder', 'authorization', 'challenge', 'order', 'finalize', 'certificate'].map(
    (resource) => ({ event: 'ca:request', detail: { resource } }),
  ),
]
const MOMENT_SHARE = 0.4
const NTH_MAX = 6

function drawMoment(random: Random, faultsMs: number): number | FaultMoment {
  const atMs = random.integer(1, faultsMs)
  if (random.float() >= MOMENT_SHARE) return atMs
  return { ...random.pick(MOMENTS), nth: random.integer(1, NTH_MAX) }
}

/** Those that wait for something are last. */
function inTime(one: TimedFault, other: TimedFault): number {
  const time = ({ at }: TimedFault): number => (typeof at === 'number' ? at : Number.MAX_VALUE)
  return Math.sign(time(one) - time(other))
}

function weighted(
  random: Random,
  kinds: readonly { readonly kind: string; readonly weight: number }[],
): string {
  let left = random.integer(
    1,
    kinds.reduce((sum, { weight }) => sum + weight, 0),
  )
  for (const { kind, weight } of kinds) {
    left -= weight
    if (left <= 0) return kind
  }
  throw new RangeError('no kind of fault has a weight')
}

/** Draws say what happens; when, is drawn after it. */
const at = 1

/** Some of the others, or all of them. */
function some(random: Random, host: string, { all }: Names): { readonly with?: readonly string[] } {
  if (random.float() < 0.5) return {}
  const others = all.filter((name) => name !== host)
  const chosen = others.filter(() => random.float() < 0.4)
  return { with: chosen.length === 0 ? [random.pick(others)] : chosen }
}

function servers(names: Names): readonly string[] {
  return [...names.of('proof'), ...names.of('dns'), ...names.of('issue')]
}

const ofCa = (rule: CaRule): Fault => ({ kind: 'disturb', host: 'ca', rules: [rule], at })

/** Every kind of fault that a swarm knows. */
export const KINDS: Readonly<Record<string, Draw>> = {
  partition(random, names) {
    const host = random.pick(names.all)
    const direction = random.pick(['both', 'both', 'out', 'in'] as const)
    return { kind: 'partition', host, direction, ...some(random, host, names), at }
  },
  ring(random, names) {
    const [host = '', ...others] = shuffled(random, names.all)
    return { kind: 'ring', host, with: others, at }
  },
  latency(random, names) {
    const host = random.pick(names.all)
    const latencyMs = random.pick([200, 1_000, 4_000])
    const jitterMs = random.pick([0, 200])
    return { kind: 'latency', host, latencyMs, jitterMs, ...some(random, host, names), at }
  },
  bandwidth(random, names) {
    const host = random.pick(names.all)
    const bytesPerSecond = random.pick([500, 5_000, 50_000])
    return { kind: 'bandwidth', host, bytesPerSecond, ...some(random, host, names), at }
  },
  stall(random, names) {
    const host = random.pick(names.all)
    return { kind: 'stall', host, ...some(random, host, names), at }
  },
  reset(random, names) {
    const host = random.pick(names.all)
    const side = some(random, host, names)
    switch (random.pick(['now', 'handshake', 'after'] as const)) {
      case 'now':
        return { kind: 'reset', when: 'now', host, ...side, at }
      case 'handshake':
        return { kind: 'reset', when: 'handshake', host, ...side, at }
      case 'after':
        return { kind: 'reset', when: 'after', bytes: random.integer(1, 5_000), host, ...side, at }
    }
  },
  datagrams(random, names) {
    const host = random.pick([...names.of('dns'), 'resolver', 'ca'])
    const rate = (): number => random.pick([0, 0, 0.1, 0.5])
    const [lossRate, duplicateRate, reorderRate] = [rate(), rate(), rate()]
    const corruptRate = rate() / 2
    const rates = { lossRate, duplicateRate, reorderRate, corruptRate }
    // What fits into every packet, and what RFC 1035 allows.
    const lengthMax = random.pick([undefined, undefined, 1_232, 512])
    return { kind: 'datagrams', host, ...rates, ...(lengthMax && { lengthMax }), at }
  },
  refuse: (random, names) => ({ kind: 'refuse', host: random.pick(servers(names)), at }),
  hang: (random, names) => ({ kind: 'hang', host: random.pick(servers(names)), at }),
  crash(random, names) {
    const host = random.pick([...servers(names), ...names.of('client')])
    const disk = random.pick(['kept', 'kept', 'kept', 'torn', 'lost'] as const)
    const powerCut = random.float() < 0.5
    if (disk !== 'torn') return { kind: 'crash', host, disk, powerCut, at }
    // What a process has written outlives it, unless its machine ends too.
    return {
      kind: 'crash',
      host,
      disk,
      lostShare: random.integer(0, 100) / 100,
      powerCut: true,
      at,
    }
  },
  move: (random, names) => ({ kind: 'move', host: random.pick(names.of('client')), at }),
  clock(random, names) {
    const host = random.pick([...servers(names), ...names.of('client')])
    const size = random.pick([1_000, 60_000, 400_000, 3_600_000])
    const offsetMs = random.integer(-size, size)
    return { kind: 'clock', host, offsetMs, driftPpm: random.pick([0, 0, 100, -5_000]), at }
  },
  sleep: (random, names) => ({
    kind: 'sleep',
    host: random.pick([...servers(names), ...names.of('client')]),
    at,
  }),
  disk: (random, names) => ({
    kind: 'disk',
    host: random.pick([...names.of('issue'), ...names.of('client')]),
    problem: random.pick(['full', 'read-only'] as const),
    at,
  }),
  'ca refuses'(random) {
    const status = random.pick([429, 503] as const)
    const seconds = random.integer(1, 30)
    const as = random.pick(['seconds', 'date'] as const)
    const retryAfter = random.float() < 0.7 ? { retryAfter: { seconds, as } } : {}
    return ofCa({ effect: { kind: 'status', status, ...retryAfter }, ...chance(random) })
  },
  'ca is slow': (random) =>
    ofCa({
      effect: { kind: 'delay', delayMs: random.pick([500, 3_000, 12_000]) },
      ...chance(random),
    }),
  'ca breaks off': (random) =>
    ofCa({
      effect: { kind: 'reset', when: random.pick(['before', 'after'] as const) },
      ...chance(random),
    }),
  'ca repeats': (random) => ofCa({ effect: { kind: 'duplicate' }, ...chance(random) }),
  'ca stalls': () => ({ kind: 'pause', host: 'ca', at }),
  'ca forgets': () => ({ kind: 'kill', host: 'ca', at }),
  'proof server lies': (random, names) => ({
    kind: 'lie',
    host: random.pick(names.of('proof')),
    at,
  }),
  'dns server lies': (random, names) => ({ kind: 'lie', host: random.pick(names.of('dns')), at }),
  'dns server lags': (random, names) => ({
    kind: 'lag',
    host: random.pick(names.of('dns')),
    lagMs: random.pick([200, 2_000, 20_000]),
    at,
  }),
  attack(random, names) {
    const [host] = names.of('attacker')
    return host === undefined ? undefined : { kind: 'attack', host, act: random.pick(ATTACKS), at }
  },
  deny(random, names) {
    const host = random.pick(names.of('issue'))
    return { kind: 'deny', host, peer: random.pick(names.of('client')), at }
  },
  'writer scribbles': (random, names) => ({
    kind: 'scribble',
    host: random.pick(names.of('issue')),
    at,
  }),
  isolate: (random, names) => ({
    kind: 'isolate',
    host: random.pick([...servers(names), ...names.of('client')]),
    at,
  }),
  'half-close'(random, names) {
    const host = random.pick(names.all)
    return { kind: 'half-close', host, ...some(random, host, names), at }
  },
  'no route': (random, names) => ({
    kind: 'no-route',
    host: random.pick([...servers(names), ...names.of('client')]),
    at,
  }),
  firewall(random, names) {
    const host = random.pick([...servers(names), ...names.of('client')])
    return { kind: 'firewall', host, policy: random.pick(['drop', 'refuse'] as const), at }
  },
  router(random, { behindNat }) {
    if (behindNat.length === 0) return undefined
    const address = random.pick(['kept', 'new'] as const)
    return { kind: 'rebind', host: random.pick(behindNat), address, at }
  },
}

function chance(random: Random): { readonly probability: number; readonly seed: number } {
  return { probability: random.pick([0.2, 0.5, 1]), seed: random.integer(1, 2 ** 31) }
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.integer(0, left.length - 1), 1)[0] as T)
}
