// The pure decisions on the way to a certificate: proofs, proof servers, and when to try again.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { mock } from 'node:test'
import { test } from 'tap'
import { MalformedError, RefusalError } from '../wire/errors.ts'
import { Proof, ProofResponse, ProofWrapper, type Address } from '../wire/messages.ts'
import { Alarm } from './alarm.ts'
import { describeFailure, NoProofError } from './errors.ts'
import { collectProofs, readProof, readProofServers, selectProofs } from './proofs.ts'
import { renewalTime, RETRY_LIMITS_DEFAULT, retryDelayMs } from './renewal.ts'

const self = (await generateKeyPair('Ed25519')).publicKey.toMultihash().bytes
const other = (await generateKeyPair('Ed25519')).publicKey.toMultihash().bytes

function answer(addrs: readonly Address[], id = self): Uint8Array {
  const proof = Proof.encode({ id, timestamp: Date.now(), addrs })
  return ProofResponse.encode({
    error: 0,
    proof: ProofWrapper.encode({ proof, signature: Uint8Array.of(1) }),
  })
}

test('NT-CLIENT-009 a proof that cannot help is dropped', async (t) => {
  const good = { type: 1, address: '203.0.113.7' }
  const bad: Record<string, readonly Address[]> = {
    'no address': [],
    'wrong type': [{ type: 2, address: '203.0.113.7' }],
    'IPv6 with type 1': [{ type: 1, address: '2001:db8::1' }],
    'unknown type': [{ type: 7, address: '203.0.113.7' }],
    'host name': [{ type: 1, address: 'example.org' }],
    'with a port': [{ type: 1, address: '203.0.113.7:80' }],
    'leading zeros': [{ type: 1, address: '203.000.113.007' }],
    'zone id': [{ type: 2, address: 'fe80::1%eth0' }],
    unspecified: [{ type: 1, address: '0.0.0.0' }],
    'unspecified v6': [{ type: 2, address: '::' }],
    broadcast: [{ type: 1, address: '255.255.255.255' }],
    multicast: [{ type: 1, address: '224.0.0.1' }],
    'bad beside good': [good, { type: 1, address: 'x' }],
    'too many': Array.from({ length: 9 }, () => good),
  }
  for (const [name, addrs] of Object.entries(bad)) {
    t.throws(() => readProof(answer(addrs), self), MalformedError, name)
  }
  t.throws(() => readProof(answer([good], other), self), MalformedError, 'another peer')
  t.throws(() => readProof(ProofResponse.encode({ error: 0 }), self), MalformedError, 'no proof')
  t.throws(() => readProof(ProofResponse.encode({ error: 9 }), self), RefusalError, 'refused')
  t.same(readProof(answer([good]), self).addresses, [{ family: 4, address: '203.0.113.7' }])
  t.same(
    readProof(answer([{ type: 1, address: '10.0.0.1' }]), self).addresses,
    [{ family: 4, address: '10.0.0.1' }],
    'private: for the issue server to judge',
  )
})

test('NT-WIRE-005 no bytes make reading a proof throw anything but a verdict on it', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readProof(bytes, self)
      } catch (error) {
        return error instanceof MalformedError || error instanceof RefusalError
      }
      return true
    }),
    { numRuns: 2_000 },
  )
  t.pass()
})

test('NT-ISSUE-002 NT-ISSUE-004 proof servers are read from the list, nonsense among them is left out', async (t) => {
  const id = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'
  const legacy = multiaddr(`/dnsaddr/proof.example/tcp/8877/ipfs/${id}`).bytes
  const servers = readProofServers([
    {
      id: other,
      addrs: [Uint8Array.of(1, 2, 3), multiaddr('/ip4/192.0.2.1/tcp/1').bytes],
      display: 'a',
    },
    { id: Uint8Array.of(1, 2), addrs: [], display: 'no id' },
    { id: other, addrs: [legacy], display: 'the same again' },
    ...Array.from({ length: 100 }, () => ({ id: self, addrs: [], display: 'many' })),
  ])
  t.same(
    servers.map(({ addresses }) => addresses.map(String)),
    [[`/dns/proof.example/tcp/8877/p2p/${id}`], []],
  )
})

test('NT-CLIENT-012 renewal is due at two thirds of the lifetime, give or take', async (t) => {
  const lifetime = { notBefore: 1_000, notAfter: 4_000 }
  t.equal(renewalTime(lifetime, 0.5), 3_000)
  t.equal(renewalTime(lifetime, 0), 2_925)
  t.equal(renewalTime(lifetime, 1), 3_075)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (lifetimeMs, random) => {
        const at = renewalTime({ notBefore: 0, notAfter: lifetimeMs }, random)
        return at > lifetimeMs * 0.6 && at < lifetimeMs * 0.7
      },
    ),
  )
})

test('NT-CLIENT-015 waiting doubles up to a limit, longer for limits and slowest for what cannot change', async (t) => {
  const limits = RETRY_LIMITS_DEFAULT
  const wait = (
    failures: number,
    code?: Parameters<typeof retryDelayMs>[0]['code'],
    random = 1,
  ): number => retryDelayMs({ failures, code, limits, random })
  t.same(
    [1, 2, 3, 4].map((failures) => wait(failures)),
    [5_000, 10_000, 20_000, 40_000],
  )
  t.equal(wait(1, 'OTHER'), 5_000)
  t.equal(wait(1, 'RATE_LIMIT'), 30_000)
  for (const code of ['INVALID_PROOF', 'NO_MATCHING_CRYPTO', 'NOT_AUTHORIZED'] as const) {
    t.equal(wait(1, code), 300_000, code)
  }
  t.equal(wait(5_000), limits.maximumMs)
  t.equal(wait(1, undefined, 0), 2_500, 'jitter takes up to half')
})

test('NT-CLIENT-015 proof servers that refuse count as a refusal: a crowd behind one address waits long', async (t) => {
  const told: object[] = []
  const asked = async (answers: readonly (() => Uint8Array)[]) => {
    const turns = [...answers]
    const servers = readProofServers(
      answers.map((_, index) => ({
        id: Uint8Array.from([...other.slice(0, -1), index]),
        addrs: [],
        display: '',
      })),
    )
    const { proofs, failures } = await collectProofs(servers, self, {
      ask: async () => turns.shift()?.() ?? new Uint8Array(),
      onProof: () => {},
      onProofFailure: (failure) => told.push(failure),
    })
    return { proofs, described: describeFailure(new NoProofError(failures)) }
  }
  const refuse = (error: number) => () => ProofResponse.encode({ error })
  const down = (): never => {
    throw new Error('refused the connection')
  }
  t.match((await asked([refuse(1), refuse(1)])).described, {
    code: 'RATE_LIMIT',
    errorCode: 1,
    reason: /none of 2 proof servers/,
  })
  t.match((await asked([down, refuse(1)])).described, { code: 'RATE_LIMIT' })
  t.equal((await asked([down, down])).described.code, undefined, 'it may be back at once')
  t.strictSame(Object.keys(told[0] ?? {}), ['server', 'reason'], 'events are plain data')
})

test('NT-CLIENT-007 a failure is described by the refusal in it', async (t) => {
  const refusal = new RefusalError('OTHER', 'was refused', { errorCode: 7 })
  t.same(describeFailure(new AggregateError([new Error('gone'), refusal])), {
    error: 'RefusalError',
    reason: 'gone; was refused',
    code: 'OTHER',
    errorCode: 7,
  })
  t.same(describeFailure(new NoProofError([])), {
    error: 'NoProofError',
    reason: 'the issue server names no proof server',
  })
  t.equal(describeFailure(new Error('x'.repeat(5_000))).reason.length, 1_000)
})

test('an alarm waits longer than a timer can, and notices that the clock was set', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
  t.teardown(() => mock.timers.reset())
  const timers = mock.method(globalThis, 'setTimeout')
  t.teardown(() => timers.mock.restore())
  let rung = 0
  const alarm = new Alarm(() => {
    rung += 1
  })
  const days60 = 60 * 86_400_000
  alarm.set(days60)
  t.equal(alarm.time, days60)
  for (let minute = 0; minute < 60; minute += 1) mock.timers.tick(60_000)
  t.equal(rung, 0)
  // Node fires a timer past 2^31 ms at once, and a long one does not notice that the clock is set.
  const longest = (): number =>
    Math.max(...timers.mock.calls.map(({ arguments: parameters }) => Number(parameters[1])))
  t.equal(longest(), 600_000)
  mock.timers.setTime(days60)
  mock.timers.tick(600_000)
  t.equal(rung, 1, 'within ten minutes of the clock being set')
  t.equal(alarm.time, undefined)
  alarm.set(Date.now() + 3_600_000)
  mock.timers.setTime(Date.now() + 3_600_000)
  mock.timers.tick(60_000)
  t.equal(rung, 2, 'within a minute where it was near')
  rung = 1

  alarm.set(Date.now() + 1_000)
  alarm.set(Date.now() + 5_000)
  mock.timers.tick(4_000)
  t.equal(rung, 1, 'set again')
  mock.timers.tick(1_000)
  t.equal(rung, 2)
  alarm.set(Date.now() + 1_000)
  alarm.clear()
  mock.timers.tick(2_000)
  t.equal(rung, 2, 'cleared')
})

test('a wait of some length is as long whatever the clock is set to meanwhile', async (t) => {
  for (const jumpMs of [3_600_000, -3_600_000]) {
    const now = Date.now.bind(Date)
    const rung = Promise.withResolvers<void>()
    const startedAt = performance.now()
    const alarm = new Alarm(rung.resolve)
    alarm.setIn(200)
    Date.now = () => now() + jumpMs
    t.teardown(() => {
      Date.now = now
    })
    await rung.promise
    Date.now = now
    const waitedMs = performance.now() - startedAt
    // It would be an hour, or nothing.
    t.ok(waitedMs >= 199 && waitedMs < 30_000, `${waitedMs} ms`)
  }
})

test('NT-ISSUE-035 no more proofs are sent than an issue server takes, and none is left out that alone names an address', async (t) => {
  const proof = (address: string, server: number): Parameters<typeof selectProofs>[0][number] => ({
    server: `server ${server}`,
    wrapper: Uint8Array.of(server),
    addresses: [{ family: 4, address }],
  })
  const repeated = Array.from({ length: 20 }, (_, index) => proof('203.0.113.1', index))
  const last = proof('203.0.113.2', 20)
  const selected = selectProofs([...repeated, last])
  t.equal(selected.length, 16)
  t.same(selected[0], repeated[0])
  t.ok(selected.includes(last))
  t.same(selectProofs([last]), [last])
})
