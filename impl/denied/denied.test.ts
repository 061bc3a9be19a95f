// Deny lists: what their lines mean, and that a file is followed while a server runs.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { test, type Test } from 'tap'
import { DenyFile, parseDenyList, readDenyFile, refuseDenied, type DenyList } from './index.ts'

const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const rsa = 'QmfVDYD9Du7fNR4DKooPXZnRUoArR3FBRR3udbhZAT9m2H'

function listOf(text: string): DenyList {
  const { list, problems } = parseDenyList(text)
  if (problems !== undefined) throw new Error(JSON.stringify(problems))
  return list
}

test('a deny list holds peer ids, addresses and networks, with comments', async (t) => {
  const list = listOf(
    [
      '\uFEFF# a list',
      '',
      `  ${peer.toString()} # by its name`,
      rsa,
      '203.0.113.7',
      '198.51.100.0/24',
      '10.0.0.0/8\r',
      '2001:DB8:0::/32',
      '2600::1',
      '::ffff:192.0.2.128/121',
    ].join('\n'),
  )
  t.equal(list.size, 8)
  t.ok(list.hasPeer(peer.toString()))
  t.ok(list.hasPeer(rsa))
  t.notOk(list.hasPeer(peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()))
  const addresses: readonly [string, boolean][] = [
    ['203.0.113.7', true],
    ['203.0.113.8', false],
    ['198.51.100.255', true],
    ['198.51.101.0', false],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['2001:db8:ffff::1', true],
    ['2001:db9::', false],
    ['2600::1', true],
    ['2600::2', false],
    ['192.0.2.127', false],
    ['192.0.2.128', true],
    ['::ffff:203.0.113.7', true],
    // The same bits in the other family.
    ['a00::', false],
    ['nonsense', false],
  ]
  for (const [address, denied] of addresses) t.equal(list.hasAddress(address), denied, address)
  const other = listOf(peer.toCID().toString())
  t.ok(other.hasPeer(peer.toString()), 'a peer id as CID')
  t.ok(listOf('0.0.0.0/0').hasAddress('8.8.8.8'))
  t.notOk(listOf('0.0.0.0/0').hasAddress('2600::1'))
  t.ok(listOf('::/0').hasAddress('2600::1'))
  t.notOk(listOf('::/0').hasAddress('8.8.8.8'))
})

test("README's example can be used", async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  const [, example = ''] = /\n```\n([^`]*# a scanner[^`]*)```/.exec(readme) ?? []
  t.equal(listOf(example).size, 3)
})

test('networks agree with ipaddr.js, whatever they are', async () => {
  const byte = fc.nat({ max: 3 })
  fc.assert(
    fc.property(
      fc.constantFrom(4, 16),
      fc.array(byte, { minLength: 16, maxLength: 16 }),
      fc.array(byte, { minLength: 16, maxLength: 16 }),
      fc.nat({ max: 128 }),
      (length, network, address, bits) => {
        const text = (bytes: readonly number[]): string =>
          ipaddr.fromByteArray(bytes.slice(0, length)).toString()
        const width = Math.min(bits, length * 8)
        const parse = length === 4 ? ipaddr.IPv4 : ipaddr.IPv6
        const first = parse.networkAddressFromCIDR(`${text(network)}/${width}`).toString()
        const list = listOf(`${first}/${width}`)
        const parsed = ipaddr.parse(text(address))
        const expected = parsed.match(ipaddr.parse(first) as never, width)
        return list.hasAddress(text(address)) === expected
      },
    ),
  )
})

test('every line of a deny list that cannot be meant is told, with its number', async (t) => {
  const lines: readonly [string, RegExp][] = [
    ['nobody', /"nobody" is no peer id, IP address or network/],
    ['203.0.113.07', /is no peer id/],
    ['203.0.113.7/33', /no prefix length from 0 to 32/],
    ['203.0.113.7/-1', /no prefix length/],
    ['203.0.113.7/', /no prefix length/],
    ['203.0.113.7/8/8', /is no peer id/],
    ['203.0.113.7/24', /bits beyond its first 24, wanted the first address/],
    ['2001:db8::1/64', /bits beyond its first 64/],
    ['2001:db8::/129', /no prefix length from 0 to 128/],
    ['::ffff:1.2.3.0/95', /no prefix length from 96 to 128/],
    [`${peer.toString()}x`, /is no peer id/],
    [`${peer.toString()} ${rsa}`, /is no peer id/],
    ['x'.repeat(1_000), /x{64}…"/],
    ['\u001b[2J', /"\\u001b\[2J"/],
  ]
  const { problems } = parseDenyList(lines.map(([line]) => line).join('\n'))
  t.strictSame(
    problems?.map(({ line }) => line),
    lines.map((_, index) => index + 1),
  )
  for (const [index, [line, message]] of lines.entries()) {
    t.match(problems?.[index]?.message, message, line)
  }
})

test('a caller is refused by its id and by the address that it comes from, its relay included', async (t) => {
  const list = listOf('203.0.113.0/24\n')
  const refused = (denied: DenyList | undefined, address: string): unknown => {
    try {
      refuseDenied(denied, { remotePeer: peer, remoteAddr: multiaddr(address) })
      return undefined
    } catch (error) {
      return error
    }
  }
  t.match(refused(list, '/ip4/203.0.113.9/tcp/1'), { code: 'NOT_AUTHORIZED' })
  t.match(refused(list, `/ip4/203.0.113.9/tcp/1/p2p/${rsa}/p2p-circuit`), {
    code: 'NOT_AUTHORIZED',
  })
  t.match(refused(list, '/ip6/::ffff:203.0.113.9/tcp/1'), { code: 'NOT_AUTHORIZED' })
  t.equal(refused(list, '/ip4/203.0.114.9/tcp/1'), undefined)
  t.equal(refused(list, '/memory/1'), undefined)
  t.match(refused(listOf(peer.toString()), '/memory/1'), { code: 'NOT_AUTHORIZED' })
  t.equal(refused(undefined, '/ip4/203.0.113.9/tcp/1'), undefined)
})

async function follow(t: Test, text: string) {
  const path = join(t.testdir({}), 'denied.txt')
  writeFileSync(path, text)
  const events: string[] = []
  const file = new DenyFile(path, {
    loaded: ({ entries }) => events.push(`loaded ${entries}`),
    broken: ({ reason }) => events.push(reason.replaceAll(path, 'FILE')),
  })
  await file.start()
  t.teardown(() => file.stop())
  return { path, events, file }
}

test('a file that changes is read again; a broken one keeps what was, and is told once', async (t) => {
  const { path, events, file } = await follow(t, '203.0.113.7\n')
  const denies = (address: string): boolean => file.list.hasAddress(address)
  t.ok(denies('203.0.113.7'))
  await file.check()
  t.strictSame(events, ['loaded 1'], 'a file that is the same is not read')

  writeFileSync(path, '203.0.113.8\n')
  await file.check()
  t.notOk(denies('203.0.113.7'))
  t.ok(denies('203.0.113.8'))

  writeFileSync(path, `oops\n203.0.113.9\n${'nonsense\n'.repeat(20)}`)
  await file.check()
  await file.check()
  t.ok(denies('203.0.113.8'))
  t.notOk(denies('203.0.113.9'), 'nothing of a broken file is used')
  t.equal(events.length, 3)
  t.match(
    events[2],
    /^deny list "FILE" cannot be used: line 1: "oops" is no .*; line 3: .*; and 11 more lines; what it said before holds$/,
  )

  writeFileSync(`${path}.new`, '203.0.113.10\n')
  renameSync(`${path}.new`, path)
  await file.check()
  t.ok(denies('203.0.113.10'), 'a file that was put in its place')
  rmSync(path)
  await file.check()
  await file.check()
  t.ok(denies('203.0.113.10'), 'a file that is gone does not let everybody in')
  t.match(events.slice(3), ['loaded 1', /cannot be read: ENOENT/])
  t.equal(events.length, 5)
  mkdirSync(path)
  await file.check()
  t.match(events.at(-1), /cannot be read: it is no regular file/)
  rmSync(path, { recursive: true })
  writeFileSync(path, '')
  await file.check()
  t.equal(events.at(-1), 'loaded 0')
  t.notOk(denies('203.0.113.10'))
})

test('a list that cannot be used at the start is an error, and lets nobody in by mistake', async (t) => {
  const folder = t.testdir({ 'bad.txt': 'good grief\n' })
  const reports = { loaded: () => {}, broken: () => {} }
  await t.rejects(new DenyFile(join(folder, 'none'), reports).start(), /cannot be read: ENOENT/)
  await t.rejects(new DenyFile(join(folder, 'bad.txt'), reports).start(), /line 1: "good grief"/)
  await t.rejects(readDenyFile(folder), /it is no regular file/)
})

test('a file is looked at by itself, until the server stops', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const { path, file, events } = await follow(t, '')
  const checks = mock.method(file, 'check')
  writeFileSync(path, '203.0.113.7')
  mock.timers.tick(2_000)
  t.equal(checks.mock.callCount(), 1)
  // Joins the look that the timer has begun.
  await file.check()
  t.strictSame(events, ['loaded 0', 'loaded 1'])
  file.stop()
  mock.timers.tick(10_000)
  t.equal(checks.mock.callCount(), 2)
})
