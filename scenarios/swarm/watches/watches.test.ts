// Each watch is given what could have happened: once as it should be, and with one thing wrong.
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { test } from 'tap'
import type { TraceEntry } from '../../engine/trace.ts'
import type { World } from '../../engine/world.ts'
import type { Complaint } from '../eventually.ts'
import { budgetsAreCounted } from './budgets.ts'
import { calmWorldsHaveNoFailures } from './calm.ts'
import { removalsRemoveOneValue } from './challenges.ts'
import { certificatesAreKept } from './comeback.ts'
import { deniedGetNothing } from './denied.ts'
import { expiredIsOver } from './expiry.ts'
import { nobodyIsBusyWaiting } from './idle.ts'
import { noncesAreUsedOnce, retryAfterIsKept } from './manners.ts'
import { ordersAreMadeOnce } from './orders.ts'
import { proofsAreOfTheirPeer } from './proofs.ts'
import { certificatesAreStored } from './stored.ts'
import { waitsGrowAndAreDrawn } from './waits.ts'
import type { Watch } from './watch.ts'

type Told = readonly [
  host: string,
  event: string,
  detail?: Readonly<Record<string, unknown>>,
  atMs?: number,
]

const LATER = Date.now() + 3_600_000

/** A world in which peers have the names of their hosts. */
function worldOf(parts: object = {}): World {
  const world = {
    driver: {},
    trace: { elapsedMs: 0, entries: [] },
    host: (name: string) => ({ name, peerId: name, running: true }),
    hostOfPeer: (peerId: string) => peerId,
    hostsOf: () => [{ name: 'issue1' }],
    ...parts,
  }
  return world as unknown as World
}

async function judge(
  { open }: Watch,
  told: readonly Told[],
  { world = worldOf(), calm = false }: { readonly world?: World; readonly calm?: boolean } = {},
): Promise<string | undefined> {
  const see = open(world, { calm })
  for (const [host, event, detail = {}, atMs = 0] of told) {
    const entry: TraceEntry = { atMs, host, event, detail }
    const complaint: Complaint | undefined = await see(entry)
    if (complaint !== undefined) return complaint.problem
  }
  return undefined
}

const request = (detail: Readonly<Record<string, unknown>>, atMs = 0): Told => [
  'ca',
  'ca:request',
  { via: 'issue1', resource: 'newOrder', path: '/order', status: 201, ...detail },
  atMs,
]
const made = (path: string): Told => [
  'issue1',
  'order:created',
  { peer: 'client1', names: ['b', 'a'], order: `https://ca${path}` },
]
const asked: Told = ['issue1', 'request:received', { peer: 'client1' }]
const obtained = (detail: Readonly<Record<string, unknown>>): Told => [
  'client1',
  'certificate:obtained',
  detail,
]
const moved: Told = ['client1', 'host:started', { addresses: ['192.0.2.1'] }]
const signed = (address: string, more: Readonly<Record<string, unknown>> = {}): Told => [
  'proof1',
  'proof:signed',
  { peer: 'client1', addresses: [address], ...more },
]
const denial: readonly Told[] = [
  ['issue1', 'fault:deny', { peer: 'client1' }],
  ['issue1', 'denylist:loaded', { entries: 1 }],
]
const resumed: Told = ['issue1', 'order:resumed', { peer: 'client1', names: [] }]
const given: Told = ['issue1', 'certificate:issued', { peer: 'client1', names: [] }]
const crash = (host: string, disk: string): Told => [host, 'fault:crash', { disk }]

test('watches see what is wrong, and nothing where all is as it should be', async (t) => {
  const rows: readonly (readonly [string, Watch, readonly Told[], RegExp | undefined])[] = [
    [
      'two nonces',
      noncesAreUsedOnce,
      [request({ nonce: 'a' }), request({ nonce: 'b' })],
      undefined,
    ],
    [
      'one nonce twice',
      noncesAreUsedOnce,
      [request({ nonce: 'a' }), request({ nonce: 'a' })],
      /nonce that it has used/,
    ],
    [
      'a wait that is kept',
      retryAfterIsKept,
      [request({ status: 503, retryAfterMs: 9_000 }), request({}, 9_000)],
      undefined,
    ],
    [
      'a wait that is not',
      retryAfterIsKept,
      [request({ status: 503, retryAfterMs: 9_000 }), request({}, 4_000)],
      /4000 ms too early/,
    ],
    [
      'another order, for which nobody was told to wait',
      retryAfterIsKept,
      [
        request({ status: 503, retryAfterMs: 9_000 }),
        ['issue1', 'order:failed'],
        request({}, 4_000),
      ],
      undefined,
    ],
    [
      'an order and another',
      ordersAreMadeOnce,
      [made('/1'), made('/2')],
      /makes a second order for client1/,
    ],
    [
      'an order after one that has ended',
      ordersAreMadeOnce,
      [
        made('/1'),
        ['issue1', 'certificate:issued', { peer: 'client1', names: ['a', 'b'] }],
        made('/2'),
      ],
      undefined,
    ],
    [
      'an order after one that the CA gave up',
      ordersAreMadeOnce,
      [
        made('/1'),
        request({ resource: 'order', path: '/1', state: 'invalid', status: 200 }),
        made('/2'),
      ],
      undefined,
    ],
    [
      'an order after a crash',
      ordersAreMadeOnce,
      [made('/1'), crash('issue1', 'kept'), made('/2')],
      /second order/,
    ],
    [
      'an order of a new account, where the last word of a CA came after its end',
      ordersAreMadeOnce,
      [['ca', 'fault:kill'], made('/1'), request({ resource: 'account' }), made('/2')],
      undefined,
    ],
    [
      'an order of a client that has got a certificate from another server',
      ordersAreMadeOnce,
      [made('/1'), ['client1', 'certificate:renewed'], made('/2')],
      undefined,
    ],
    [
      'an order while another client has got one',
      ordersAreMadeOnce,
      [made('/1'), ['client2', 'certificate:renewed'], made('/2')],
      /second order/,
    ],
    [
      'an order of an account that there was',
      ordersAreMadeOnce,
      [made('/1'), request({ resource: 'account', status: 200 }), made('/2')],
      /second order/,
    ],
    [
      'an order for a request from before a loss, and one for the next',
      ordersAreMadeOnce,
      [asked, crash('client1', 'lost'), made('/1'), asked, made('/2')],
      undefined,
    ],
    [
      'orders for requests from before and after a loss, both after it',
      ordersAreMadeOnce,
      [asked, crash('client1', 'lost'), asked, made('/1'), made('/2')],
      undefined,
    ],
    [
      'an order for a request from before a certificate, and one for the next',
      ordersAreMadeOnce,
      [asked, obtained({}), made('/1'), asked, made('/2')],
      undefined,
    ],
    [
      'more orders than that',
      ordersAreMadeOnce,
      [asked, crash('client1', 'lost'), asked, made('/1'), made('/2'), made('/3')],
      /second order/,
    ],
    [
      'two orders for a request from after a loss',
      ordersAreMadeOnce,
      [asked, made('/0'), crash('client1', 'lost'), asked, made('/1'), made('/2')],
      /second order/,
    ],
    [
      'an order after a loss',
      ordersAreMadeOnce,
      [made('/1'), crash('issue1', 'lost'), made('/2')],
      undefined,
    ],
    [
      'an order after the end of a torn disk was lost',
      ordersAreMadeOnce,
      [made('/1'), crash('issue1', 'torn'), made('/2')],
      undefined,
    ],
    [
      'an order, and another after the end of a torn disk was lost',
      ordersAreMadeOnce,
      [crash('issue1', 'torn'), made('/1'), made('/2')],
      /second order/,
    ],
    [
      'an order where the disk of another is torn, which loses nothing of a client',
      ordersAreMadeOnce,
      [made('/1'), crash('issue2', 'torn'), crash('client1', 'torn'), made('/2')],
      /second order/,
    ],
    ['a proof', proofsAreOfTheirPeer, [moved, signed('192.0.2.1')], undefined],
    [
      'a proof of another',
      proofsAreOfTheirPeer,
      [moved, signed('192.0.2.2')],
      /signed 192\.0\.2\.2 for client1/,
    ],
    ['a lie', proofsAreOfTheirPeer, [moved, signed('192.0.2.2', { lie: true })], undefined],
    [
      'a certificate that was kept',
      certificatesAreKept,
      [
        obtained({ notAfter: LATER }),
        crash('client1', 'kept'),
        obtained({ notAfter: LATER, fromStore: true }),
      ],
      undefined,
    ],
    [
      'a certificate that was not',
      certificatesAreKept,
      [obtained({ notAfter: LATER }), crash('client1', 'kept'), obtained({ notAfter: LATER })],
      /on its disk, and asked for another/,
    ],
    [
      'a certificate that could not be',
      certificatesAreKept,
      [obtained({ notAfter: LATER }), crash('client1', 'lost'), obtained({ notAfter: LATER })],
      undefined,
    ],
    [
      'an order of a denied peer',
      deniedGetNothing,
      [...denial, resumed],
      /order:resumed for client1/,
    ],
    [
      'a certificate of a denied peer',
      deniedGetNothing,
      [...denial, given],
      /certificate:issued for client1/,
    ],
    [
      'a certificate that was asked for before',
      deniedGetNothing,
      [['issue1', 'request:received', { peer: 'client1' }], ...denial, given],
      undefined,
    ],
    [
      'an order of another peer',
      deniedGetNothing,
      [...denial, ['issue1', 'order:resumed', { peer: 'b' }]],
      undefined,
    ],
    [
      'an order of a peer that is not denied any more',
      deniedGetNothing,
      [...denial, ['issue1', 'fault:healed', { kind: 'deny' }], resumed],
      undefined,
    ],
    [
      'an end',
      expiredIsOver,
      [['client1', 'certificate:expired', { notAfter: Date.now() }]],
      undefined,
    ],
    [
      'an end too early',
      expiredIsOver,
      [['client1', 'certificate:expired', { notAfter: LATER }]],
      /gives up a certificate \d+ ms before its end/,
    ],
    [
      'an announcement after the end',
      expiredIsOver,
      [obtained({ notAfter: Date.now() - 20_000 }), ['client1', 'announced']],
      /announces itself \d+ ms after the end/,
    ],
    [
      'an announcement after the end, by a clock that was set before',
      expiredIsOver,
      [
        ['client1', 'fault:clock', {}, 50_000],
        obtained({ notAfter: Date.now() - 20_000 }),
        ['client1', 'announced', {}, 60_000],
      ],
      /announces itself \d+ ms after the end/,
    ],
    [
      'an end that nobody has noticed',
      expiredIsOver,
      [obtained({ notAfter: Date.now() - 90_000 }), ['proof1', 'proof:signed']],
      /has a certificate that ended/,
    ],
    [
      'a clock that is set',
      expiredIsOver,
      [
        ['client1', 'fault:clock', {}, 50_000],
        obtained({ notAfter: Date.now() - 90_000 }),
        ['proof1', 'proof:signed', {}, 60_000],
      ],
      undefined,
    ],
  ]
  for (const [name, watch, told, problem] of rows) {
    const found = await judge(watch, told)
    if (problem === undefined) t.equal(found, undefined, name)
    else t.match(found, problem, name)
  }
})

test('waits grow while a client has nothing, and are drawn', async (t) => {
  const failed = (waitMs: number, more: Readonly<Record<string, unknown>> = {}): Told => [
    'client1',
    'certificate:failed',
    { retryAt: Date.now() + waitMs, ...more },
  ]
  const judged = (...told: Told[]): Promise<string | undefined> => judge(waitsGrowAndAreDrawn, told)
  t.equal(await judged(failed(4_000), failed(7_000), failed(15_000)), undefined)
  t.match(await judged(failed(4_000), failed(4_000)), /after its failure number 2/)
  t.equal(await judged(failed(4_000), ['client1', 'host:started'], failed(4_000)), undefined)
  t.match(await judged(failed(4_000, { code: 'RATE_LIMIT' })), /wanted at least 15000 ms/)
  t.equal(await judged(failed(4_000), obtained({}), failed(4_000)), undefined)
})

test('what a client has is on its disk, if its disk could be written', async (t) => {
  const certificate = { serial: '1', chain: 'BEGIN\nchain\nEND\n', key: 'BEGIN\nkey\nEND\n' }
  const has = async (record: object, ...before: Told[]): Promise<string | undefined> => {
    const datastore = new MemoryDatastore()
    await datastore.put(new Key('/other'), Buffer.from(certificate.key))
    await datastore.put(new Key('/record'), Buffer.from(JSON.stringify(record)))
    const host = { node: { services: { nodetrust: { certificate } } }, disk: { datastore } }
    const world = worldOf({ host: () => host })
    return await judge(certificatesAreStored, [...before, obtained({})], { world })
  }
  const { chain, key } = certificate
  t.equal(await has({ chain, key }), undefined)
  t.match(await has({ chain, key: '' }), /client1 has certificate 1, and not on its disk/)
  t.match(await has({ key }), /not on its disk/)
  t.equal(await has({}, ['client1', 'fault:disk', { problem: 'full' }]), undefined)
})

test('a server answers what it was given, and only writers give', async (t) => {
  const set = (value: string, writer = 'issue1'): Told => [
    'dns1',
    'challenge:set',
    { name: 'a', value, writer },
  ]
  const removed: Told = ['dns1', 'challenge:removed', { name: 'a', value: 'x' }]
  const answering = (...values: string[]): World =>
    worldOf({ challengesOn: () => Promise.resolve(values) })
  const judged = (world: World, ...told: Told[]): Promise<string | undefined> =>
    judge(removalsRemoveOneValue, told, { world })
  t.equal(await judged(answering('y'), set('x'), set('y'), removed), undefined)
  t.match(await judged(answering(), set('x'), set('y'), removed), /dns1 has lost y for a/)
  t.match(await judged(answering('x'), set('x'), removed), /still answers x for a/)
  t.match(await judged(answering(), set('x', 'client1')), /dns1 lets client1 set a challenge/)
  t.equal(await judged(answering(), set('x'), set('y'), ['dns1', 'fault:lie'], removed), undefined)
})

test('budgets are compared with what was asked for and given', async (t) => {
  const asking: Told = ['issue1', 'request:received']
  const giving: Told = ['issue1', 'certificate:issued', { names: ['b', 'a'] }]
  const counted = (domain: number, set: number): object[] => [
    { budget: 'certificatesPerDomain', key: 'zone', count: 9, left: 9 - domain },
    { budget: 'certificatesPerSet', key: 'a b', count: 9, left: 9 - set },
  ]
  const judged = (
    budgets: readonly object[],
    told: readonly Told[] = [asking, giving],
  ): Promise<string | undefined> => {
    const host = {
      running: true,
      run: (work: () => unknown) => work(),
      node: { services: { issue: { budgets: () => budgets } } },
    }
    return judge(budgetsAreCounted, told, { world: worldOf({ host: () => host }) })
  }
  t.equal(await judged(counted(1, 1)), undefined)
  t.equal(await judged(counted(0, 1)), undefined, 'a renewal is not counted for the domain')
  t.match(await judged(counted(2, 1)), /has counted 2 certificates of zone, and was asked for 1/)
  t.match(await judged(counted(1, 0)), /has counted 0 certificates of the 1 for a b/)
  t.equal(await judged([]), undefined, 'a server that keeps to no budgets counts nothing')
  const twice = (crashed: Told): readonly Told[] => [asking, giving, crashed, asking, giving]
  const ofTwo = /has counted 1 certificates of the 2 for a b/
  t.match(await judged(counted(1, 1), twice(crash('issue1', 'kept'))), ofTwo)
  t.match(await judged(counted(1, 1), twice(crash('issue2', 'torn'))), ofTwo)
  t.equal(await judged(counted(1, 1), twice(crash('issue1', 'torn'))), undefined)
  const torn = [asking, crash('issue1', 'torn'), asking, giving]
  t.equal(await judged(counted(2, 1), torn), undefined, 'what was asked before may be counted')
  t.match(await judged(counted(3, 1), torn), /has counted 3 certificates of zone, and .* for 2/)
})

test('where nothing is wrong nothing fails, until the world ends', async (t) => {
  const failure: Told = ['client1', 'certificate:failed', { reason: 'a reason' }]
  t.match(
    await judge(calmWorldsHaveNoFailures, [failure], { calm: true }),
    /client1: certificate:failed .*a reason/,
  )
  t.equal(await judge(calmWorldsHaveNoFailures, [failure]), undefined)
  const end: Told = ['engine', 'phase', { name: 'end' }]
  t.equal(await judge(calmWorldsHaveNoFailures, [end, failure], { calm: true }), undefined)
})

test('a world that does more than happens in it is busy with waiting', async (t) => {
  const clock = { events: 0 }
  const hosts: object[] = []
  const world = worldOf({ driver: { simulated: { clock } }, plan: { hosts } })
  const see = nobodyIsBusyWaiting.open(world, { calm: false })
  const at = (atMs: number, events: number): ReturnType<typeof see> => {
    clock.events = events
    return see({ atMs, host: 'client1', event: 'announced', detail: {} })
  }
  t.equal(await at(10_000, 9_000), undefined)
  t.equal(await at(15_000, 90_000), undefined, 'a burst is no waiting')
  t.match(await at(30_000, 109_000), { problem: /5\.0 events/ })

  hosts.length = 100
  clock.events = 0
  const crowd = nobodyIsBusyWaiting.open(world, { calm: false })
  clock.events = 90_000
  const entry = { atMs: 10_000, host: 'client1', event: 'announced', detail: {} }
  t.equal(await crowd(entry), undefined, 'a hundred hosts do more')
})
