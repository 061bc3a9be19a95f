// Configurations that can be used: what is written in them is what the servers get.
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { configSample } from './sample.ts'
import { loadConfig, ROLES } from './index.ts'
import { example, folder, problemsOf, replaced } from './testing.ts'
import { generateKey, readKeyFile, writePrivateFile } from '../keys.ts'

const PEER = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
const OTHER_PEER = '12D3KooWMwVS4KgAkbUjQaXqmephxatbH69w2EdCnGvigyrBDkf9'
const signing = await generateKeyPair('Ed25519')
const publicText = Buffer.from(publicKeyToProtobuf(signing.publicKey)).toString('base64')

test('fixtures/config/example.yaml is what config init writes, and can be used', async (t) => {
  const sample = configSample({
    zone: 'nt.example.org',
    roles: ROLES,
    addresses: ['198.51.100.1'],
    agreeToTerms: true,
  })
  t.equal(example, sample.text)
  const path = await folder(t)
  t.strictSame(await problemsOf(path, sample.text), [])
  const { config, warnings } = await loadConfig(join(path, 'nodetrust.yaml'))
  t.strictSame(warnings, [])
  t.equal(config.zone, 'nt.example.org')
  t.equal(config.issue?.storePath, join(path, 'issue.sqlite'), 'paths are relative to the file')
  t.equal(config.issue?.acme.directoryUrl, 'https://acme-staging-v02.api.letsencrypt.org/directory')
  t.strictSame(config.dns?.writers, [{ local: true }])
  t.equal(config.http, undefined, 'there is no port that nobody asked for')
})

test('a sample for one role asks for what only the operator can know', async (t) => {
  const path = await folder(t)
  const wanted = {
    proof: [],
    dns: ['dns.writers'],
    issue: ['issue.proofServers', 'issue.dnsServers'],
  }
  for (const role of ROLES) {
    const { text } = configSample({ zone: 'nt.example.org', roles: [role], agreeToTerms: true })
    const found = await problemsOf(path, text)
    t.strictSame(
      found.map((line) => line.split(/:? /)[1]),
      wanted[role],
      role,
    )
  }
})

test('servers elsewhere are taken as they are written', async (t) => {
  const path = await folder(t)
  writeFileSync(join(path, 'hmac.key'), 'c2VjcmV0\n', { mode: 0o600 })
  const text = [
    [/writers:\n.*\n/, `writers: [${PEER}, ${OTHER_PEER}]\n`],
    [
      '- local: true # the proof server in this file',
      `- { id: ${PEER}, addresses: [/ip4/192.0.2.9/tcp/1/p2p/${PEER}], display: far }`,
    ],
    ['# proofKeys: [CAES…]', `proofKeys: [${publicText}]`],
    [
      '- local: true # the DNS server in this file',
      `- { addresses: [/ip4/192.0.2.9/tcp/1/p2p/${PEER}], query: { address: 192.0.2.9 } }`,
    ],
    ['contacts: []', 'contacts: [operator@example.org, mailto:other@example.org]'],
    [/# externalAccount:.*$/m, 'externalAccount: { kid: k1, hmacKeyFile: hmac.key }'],
    ['letsencrypt-staging\n', 'https://ca.example/directory\n'],
  ].reduce((before, [from = '', to]) => replaced(from, String(to), before), example)
  t.strictSame(await problemsOf(path, text), [])
  const { config } = await loadConfig(join(path, 'nodetrust.yaml'))
  t.strictSame(config.dns?.writers.map(String), [PEER, OTHER_PEER])
  t.ok(config.issue?.proofKeys?.[0]?.equals(signing.publicKey))
  t.match(config.issue?.acme, {
    directoryUrl: 'https://ca.example/directory',
    contacts: ['mailto:operator@example.org', 'mailto:other@example.org'],
    externalAccount: { kid: 'k1', hmacKeyFile: 'c2VjcmV0' },
  })
})

test('budgets, limits and deny lists reach the servers as they are written', async (t) => {
  const path = await folder(t)
  writeFileSync(join(path, 'denied.txt'), '203.0.113.0/24 # the example\n')
  const text = [
    ['# denyListFile: denied.txt', 'denyListFile: denied.txt'],
    ['display: proof-1', 'denyListFile: denied.txt'],
    [
      /# (budgets:) .*\n  #(.*)\n  #(.*)/,
      '$1\n    ordersPerAccount: none\n    preset: letsencrypt\n $2\n $3',
    ],
  ].reduce((before, [from = '', to]) => replaced(from, String(to), before), example)
  t.strictSame(await problemsOf(path, text), [])
  const { config } = await loadConfig(join(path, 'nodetrust.yaml'))
  t.equal(config.proof?.denyListFile, join(path, 'denied.txt'))
  const { issue } = config
  t.equal(issue?.denyListFile, join(path, 'denied.txt'))
  t.strictSame(issue?.rateLimit, { burst: 20, intervalMs: 3_000 })
  t.strictSame(issue?.budgets, {
    ordersPerAccount: 'none',
    preset: 'letsencrypt',
    certificatesPerDomain: { count: 500, periodMs: 604_800_000 },
    zoneIsPublicSuffix: true,
  })
  const word = replaced('# budgets: # or: letsencrypt,', 'budgets: none # or:')
  t.strictSame(await problemsOf(path, word), [])
  t.equal((await loadConfig(join(path, 'nodetrust.yaml'))).config.issue?.budgets, 'none')
})

test('a deny list is read when the configuration is, and its wrong lines are told', async (t) => {
  const path = await folder(t)
  writeFileSync(join(path, 'denied.txt'), '203.0.113.7\n203.0.113.7/24\n')
  const text = replaced(
    '# denyListFile',
    'denyListFile',
    replaced('display: proof-1', 'denyListFile: lost.txt'),
  )
  const [lost, broken, ...more] = await problemsOf(path, text)
  t.match(lost, /^:25:17 proof.denyListFile: deny list "lost.txt" cannot be read: ENOENT/)
  t.match(
    broken,
    /^:106:17 issue.denyListFile: .* line 2: "203.0.113.7\/24" has bits beyond its first 24/,
  )
  t.strictSame(more, [])
})

test('a key file that others can read is a warning with its mode, and no error', async (t) => {
  const path = await folder(t)
  const file = join(path, 'nodetrust.yaml')
  writeFileSync(file, example)
  chmodSync(join(path, 'dns.key'), 0o644)
  const { warnings } = await loadConfig(file)
  t.strictSame(warnings, [
    `others can read or write "${join(path, 'dns.key')}" (mode 0644): chmod 600 it`,
  ])
})

test('key files are private, survive a second init, and are bounded', async (t) => {
  const path = t.testdir({ 'large.key': 'A'.repeat(16 * 1024 + 1) })
  const file = join(path, 'new.key')
  const { key, text } = await generateKey()
  await writePrivateFile(file, text)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.ok((await readKeyFile(file)).key.equals(key))
  await t.rejects(writePrivateFile(file, 'other'), { message: `file "${file}" exists already` })
  t.equal(readFileSync(file, 'utf8'), text, 'what was there is there')
  chmodSync(file, 0o644)
  await writePrivateFile(file, 'other', { force: true })
  t.equal(readFileSync(file, 'utf8'), 'other')
  t.equal(statSync(file).mode & 0o777, 0o600, 'a replaced file is private too')
  await t.rejects(readKeyFile(join(path, 'large.key')), { message: /at most 16384/ })
})
