// Every mistake in a sentence of its own, with its place and what was wanted, all at once.
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { join } from 'node:path'
import { test } from 'tap'
import { loadConfig } from './index.ts'
import { example, folder, problemsOf, replaced } from './testing.ts'

const PEER = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
const OTHER_PEER = '12D3KooWMwVS4KgAkbUjQaXqmephxatbH69w2EdCnGvigyrBDkf9'
const signing = await generateKeyPair('Ed25519')
const privateText = Buffer.from(privateKeyToProtobuf(signing)).toString('base64')

const section = (name: string): RegExp => new RegExp(`^${name}:\n(?:[ #].*\n|\n)+`, 'm')

const CASES: readonly { what: string; text: string; wanted: readonly string[] }[] = [
  {
    what: 'no text at all',
    text: '',
    wanted: [':1:1 is empty, wanted keys such as zone, proof, dns and issue'],
  },
  {
    what: 'only comments',
    text: '# nothing\n',
    wanted: [':1:1 is empty, wanted keys such as zone, proof, dns and issue'],
  },
  {
    what: 'a list in place of keys',
    text: '- zone\n',
    wanted: [':1:1 is a list, wanted keys such as zone, proof, dns and issue'],
  },
  {
    what: 'a key twice',
    text: `${example}zone: other.example\n`,
    wanted: [':116:1 the same key stands here twice'],
  },
  {
    what: 'broken YAML',
    text: 'zone: nt.example.org\nproof: [\n',
    wanted: [
      ':3:1 Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    what: 'a tab that indents',
    text: 'proof:\n\tlisten: []\n',
    wanted: [':2:1 Tabs are not allowed as indentation'],
  },
  {
    what: 'two documents',
    text: 'zone: a.b\n---\nzone: c.d\n',
    wanted: [':2:1 a second document begins here, wanted one in a file'],
  },
  {
    what: 'aliases that would fill the memory',
    text: `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(10)}]\nc: &c [${'*b,'.repeat(10)}]\nd: [${'*c,'.repeat(10)}]\n`,
    wanted: [':1:1 has too many YAML aliases'],
  },
  {
    what: 'no role',
    text: 'zone: nt.example.org\n',
    wanted: [':1:1 has no role, wanted at least one of proof, dns, issue'],
  },
  {
    what: 'a role misspelt',
    text: replaced('\nproof:', '\nprof:'),
    wanted: [
      ':13:1 prof: unknown key "prof", did you mean "proof"?',
      ':74:7 issue.proofServers[0]: is local, but this file has no section "proof"',
    ],
  },
  {
    what: 'a key misspelt',
    text: replaced('  storePath', '  storepath'),
    wanted: [
      ':64:1 issue.storePath: is missing, wanted the path of a file for the account, orders and certificates',
      ':96:3 issue.storepath: unknown key "storepath", did you mean "storePath"?',
    ],
  },
  {
    what: 'a key from nowhere',
    text: replaced('  storePath', '  colour: red\n  storePath'),
    wanted: [
      ':96:3 issue.colour: unknown key "colour", known are identityFile, listen, announce, proofServers, proofKeys, dnsServers, acme, storePath, allowPrivateAddresses, orderTimeoutMs, rateLimit, denyListFile, budgets',
    ],
  },
  {
    what: 'a unit misspelt',
    text: replaced('intervalMs', 'interval'),
    wanted: [
      ':27:3 proof.rateLimit.intervalMs: is missing, wanted a whole number of milliseconds from 1 to 3600000',
      ':29:5 proof.rateLimit.interval: unknown key "interval", did you mean "intervalMs"?',
    ],
  },
  {
    what: 'a key like one of JavaScript',
    text: `${example}__proto__: {}\nconstructor: 1\n`,
    wanted: [
      ':116:1 __proto__: unknown key "__proto__", known are zone, log, http, proof, dns, issue',
      ':117:1 constructor: unknown key "constructor", known are zone, log, http, proof, dns, issue',
    ],
  },
  {
    what: 'no zone',
    text: replaced(/^zone.*\n/m, ''),
    wanted: [':1:1 zone: is missing, wanted the domain that is served'],
  },
  {
    what: 'a zone of one label',
    text: replaced('zone: nt.example.org', 'zone: localhost'),
    wanted: [
      ':6:7 zone: is "localhost", wanted a domain name of at most 173 characters, such as nt.example.org',
    ],
  },
  {
    what: 'a section that is a text',
    text: replaced(/^log:\n.*\n.*\n/m, 'log: info\n'),
    wanted: [':8:6 log: is "info", wanted a section with format and level'],
  },
  {
    what: 'a log level that is none',
    text: replaced('level: info', 'level: loud'),
    wanted: [':9:10 log.level: is "loud", wanted one of trace, debug, info, warn, error'],
  },
  {
    what: 'an empty section',
    text: replaced(section('proof'), 'proof:\n'),
    wanted: [':13:1 proof: is empty, wanted a section with identityFile and listen'],
  },
  {
    what: 'a key file that is not there',
    text: replaced('dns.key', 'lost.key'),
    wanted: [
      ':33:17 dns.identityFile: file "lost.key" does not exist: `nodetrust config init` makes keys',
    ],
  },
  {
    what: 'a key file that holds none',
    text: replaced('dns.key', 'nodetrust.yaml'),
    wanted: [
      ':33:17 dns.identityFile: file "nodetrust.yaml" holds no libp2p private key as base64 of its protobuf',
    ],
  },
  {
    what: 'a key file that is a folder',
    text: replaced('dns.key', '.'),
    wanted: [':33:17 dns.identityFile: "FOLDER" is no regular file'],
  },
  {
    what: 'a private key in place of its file',
    text: replaced('dns.key', privateText),
    wanted: [
      ':33:17 dns.identityFile: is a private key, wanted the path of a key file that holds it',
    ],
  },
  {
    what: 'a number in place of a key file',
    text: replaced('dns.key', '7'),
    wanted: [':33:17 dns.identityFile: is 7, wanted the path of a key file'],
  },
  {
    what: 'a private key in place of a name',
    text: replaced('display: proof-1', `display: [${privateText}]`),
    wanted: [':25:3 proof.display: is a list, wanted a name for people'],
  },
  {
    what: 'a private key in place of a peer id',
    text: replaced(/local: true # the issue.*/, privateText),
    wanted: [
      ':51:7 dns.writers[0]: is a private key, wanted a peer id, such as 12D3KooW… (`nodetrust config check` prints that of each section)',
    ],
  },
  {
    what: 'a key file in place of a configuration',
    text: privateText,
    wanted: [':1:1 is a text, wanted keys such as zone, proof, dns and issue'],
  },
  {
    what: 'nowhere to listen',
    text: replaced(/listen:\n(    - .*\n)+/, 'listen: []\n'),
    wanted: [
      ':18:3 proof.listen: is an empty list, wanted a list of at least one multiaddr to listen on',
    ],
  },
  {
    what: 'a name to listen on',
    text: replaced('/ip4/0.0.0.0/tcp/4001', '/dns4/a.b/tcp/1'),
    wanted: [
      ':19:7 proof.listen[0]: is "/dns4/a.b/tcp/1", wanted a multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4002/ws',
    ],
  },
  {
    what: 'UDP to listen on',
    text: replaced('/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/udp/1/quic-v1'),
    wanted: [
      ':19:7 proof.listen[0]: is "/ip4/0.0.0.0/udp/1/quic-v1", wanted a multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4002/ws',
    ],
  },
  {
    what: 'an announced address without a value',
    text: replaced('- /ip4/198.51.100.1/tcp/4001', '-'),
    wanted: [
      ':23:6 proof.announce[0]: is empty, wanted a multiaddr, such as /dns4/proof.example.org/tcp/4001',
    ],
  },
  {
    what: 'a rate limit of nothing',
    text: replaced('burst: 20', 'burst: 0'),
    wanted: [':28:12 proof.rateLimit.burst: is 0, wanted a whole number from 1 to 1000000'],
  },
  {
    what: 'a number with its unit',
    text: replaced('intervalMs: 3000', 'intervalMs: 3s'),
    wanted: [
      ':29:17 proof.rateLimit.intervalMs: is "3s", wanted a whole number of milliseconds from 1 to 3600000',
    ],
  },
  {
    what: 'a port beyond the last',
    text: replaced('port: 53', 'port: 65536'),
    wanted: [':41:13 dns.dnsListen[0].port: is 65536, wanted a whole number from 0 to 65535'],
  },
  {
    what: 'a host name to answer at',
    text: replaced('address: 0.0.0.0', 'address: localhost'),
    wanted: [
      ':40:16 dns.dnsListen[0].address: is "localhost", wanted an IP address, such as 198.51.100.1 or 2001:db8::1',
    ],
  },
  {
    what: 'a name server in the zone without addresses',
    text: replaced(/      addresses: .*\n/, ''),
    wanted: [
      ':32:1 dns: name server "ns1.nt.example.org" lies in its own zone and has no addresses',
    ],
  },
  {
    what: 'a CAA record of a bad tag',
    text: replaced('tag: issue', "tag: 'is sue'"),
    wanted: [':32:1 dns: CAA tag "is sue" is not 1 to 15 letters and digits'],
  },
  {
    what: 'a TTL that is too long for a negative answer',
    text: replaced('negative: 10', 'negative: 61'),
    wanted: [
      ':61:15 dns.ttlSeconds.negative: is 61, wanted a whole number of seconds from 0 to 60',
    ],
  },
  {
    what: 'a writer that is no peer id',
    text: replaced(/local: true # the issue.*/, 'issue.example.org'),
    wanted: [
      ':51:7 dns.writers[0]: is "issue.example.org", wanted a peer id, such as 12D3KooW… (`nodetrust config check` prints that of each section)',
    ],
  },
  {
    what: 'local servers that are not in the file',
    text: replaced(section('proof'), ''),
    wanted: [':55:7 issue.proofServers[0]: is local, but this file has no section "proof"'],
  },
  {
    what: 'local: false',
    text: replaced('local: true # the proof', 'local: false # the proof'),
    wanted: [
      ':74:14 issue.proofServers[0].local: is false, wanted true (leave the key out for a server elsewhere)',
    ],
  },
  {
    what: 'a proof server whose address names another peer, and no key',
    text: replaced(
      'local: true # the proof server in this file',
      `id: ${PEER}\n      addresses: [/ip4/192.0.2.9/tcp/1/p2p/${OTHER_PEER}]\n      display: p`,
    ),
    wanted: [
      ':64:1 issue.proofKeys: is missing, wanted the public key of each proof server that is not local',
      ':75:19 issue.proofServers[0].addresses[0]: names the peer 12D3KooWMwVS4KgAkbUjQaXqmephxatbH69w2EdCnGvigyrBDkf9, wanted its id 12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2 or none',
    ],
  },
  {
    what: 'two proof servers of one name',
    text: replaced(
      '- local: true # the proof',
      `- local: true\n    - id: ${PEER}\n      addresses: [/ip4/192.0.2.9/tcp/1]\n      display: proof-1 #`,
    ),
    wanted: [
      ':75:7 issue.proofServers[1]: has the display "proof-1", wanted another one for each server',
    ],
  },
  {
    what: 'a proof key that is none',
    text: replaced('# proofKeys: [CAES…]', 'proofKeys: [CAES]'),
    wanted: [
      ":79:15 issue.proofKeys[0]: wanted a libp2p public key as base64 of its protobuf (`nodetrust config check` prints a proof server's)",
    ],
  },
  {
    what: 'a private key among the public',
    text: replaced('# proofKeys: [CAES…]', `proofKeys: [${privateText}]`),
    wanted: [
      ":79:15 issue.proofKeys[0]: wanted a libp2p public key as base64 of its protobuf (`nodetrust config check` prints a proof server's)",
    ],
  },
  {
    what: 'a DNS server without its peer id',
    text: replaced(
      'local: true # the DNS server in this file',
      'addresses: [/ip4/192.0.2.9/tcp/1]\n      query: { address: 192.0.2.9 }',
    ),
    wanted: [
      ':82:19 issue.dnsServers[0].addresses[0]: is "/ip4/192.0.2.9/tcp/1", wanted a multiaddr that ends in /p2p/<peer id>, such as /ip4/198.51.100.1/tcp/4001/p2p/12D3KooW…',
    ],
  },
  {
    what: 'a CA without TLS',
    text: replaced('letsencrypt-staging\n', 'http://ca.example/directory\n'),
    wanted: [
      ':88:19 issue.acme.directoryUrl: is "http://ca.example/directory", wanted an https URL, or one of letsencrypt, letsencrypt-staging',
    ],
  },
  {
    what: 'a CA of a name that nobody knows',
    text: replaced('letsencrypt-staging\n', 'constructor\n'),
    wanted: [
      ':88:19 issue.acme.directoryUrl: is "constructor", wanted an https URL, or one of letsencrypt, letsencrypt-staging',
    ],
  },
  {
    what: 'terms that nobody has agreed to',
    text: replaced('termsOfServiceAgreed: true', 'termsOfServiceAgreed: false'),
    wanted: [
      ':93:27 issue.acme.termsOfServiceAgreed: is false, wanted true, once you have read and agree to the terms of service of the CA',
    ],
  },
  {
    what: 'a contact that is no mail address',
    text: replaced('contacts: []', 'contacts: [me]'),
    wanted: [
      ':90:16 issue.acme.contacts[0]: is "me", wanted a mail address, such as operator@example.org',
    ],
  },
  {
    what: 'a CA file that is not there',
    text: replaced('# certificateAuthorityFile', 'certificateAuthorityFile'),
    wanted: [':89:31 issue.acme.certificateAuthorityFile: file "ca.pem" does not exist'],
  },
  {
    what: 'an http port that is none, or is that of a role',
    text: replaced('# http: { address: 127.0.0.1, port: 9465 }', 'http: { host: a, port: 65536 }'),
    wanted: [
      ':115:9 http.host: unknown key "host", known are address, port',
      ':115:24 http.port: is 65536, wanted a whole number from 0 to 65535',
    ],
  },
  {
    what: 'an http port that a role has',
    text: replaced('# http: { address: 127.0.0.1, port: 9465 }', 'http: { port: 4003 }'),
    wanted: [':115:15 http.port: is port 4003 on 127.0.0.1, which issue.listen[0] has'],
  },
  {
    what: 'a preset of budgets that nobody knows',
    text: replaced('# budgets: # or: letsencrypt,', 'budgets: zerossl # or:'),
    wanted: [
      ':109:12 issue.budgets: is "zerossl", wanted one of letsencrypt, letsencrypt-staging, none, or a section of budgets',
    ],
  },
  {
    what: 'budgets with everything wrong',
    text: replaced(
      /# budgets:.*\n.*/,
      'budgets:\n    { preset: le, ordersPerAccount: { count: 0, periodMs: 1 }, certificatesPerSet: { count: 1 }, certificatesPerDomain: 50, certificatePerDomain: none, validationBackOffMs: [-1] }',
    ),
    wanted: [
      ':110:15 issue.budgets.preset: is "le", wanted one of letsencrypt, letsencrypt-staging, none',
      ':110:46 issue.budgets.ordersPerAccount.count: is 0, wanted a whole number from 1 to 1000000000',
      ':110:64 issue.budgets.certificatesPerSet.periodMs: is missing, wanted a whole number of milliseconds from 1 to 31622400000',
      ':110:121 issue.budgets.certificatesPerDomain: is 50, wanted a section with count and periodMs, or none',
      ':110:125 issue.budgets.certificatePerDomain: unknown key "certificatePerDomain", did you mean "certificatesPerDomain"?',
      ':110:175 issue.budgets.validationBackOffMs[0]: is -1, wanted a whole number of milliseconds from 0 to 31622400000',
    ],
  },
  {
    what: 'one port for two roles',
    text: replaced('/ip4/0.0.0.0/tcp/4002', '/ip4/127.0.0.1/tcp/4001'),
    wanted: [':36:7 dns.listen[0]: is port 4001 on 127.0.0.1, which proof.listen[0] has'],
  },
  {
    what: 'one key for two roles',
    text: replaced('dns.key', 'proof.key'),
    wanted: [
      ':33:17 dns.identityFile: holds the same key as that of "proof", wanted a key for each role',
    ],
  },
]

test('a configuration is refused with each mistake, its place, and what was wanted', async (t) => {
  const path = await folder(t)
  for (const { what, text, wanted } of CASES) {
    const found = await problemsOf(path, text)
    t.strictSame(found, wanted, what)
    t.notMatch(found.join(), privateText.slice(8, 24), `${what}: no key is shown`)
  }
})

test('all mistakes of a configuration are told at once, in the order of the file', async (t) => {
  const path = await folder(t)
  const mistakes = [
    [/^zone.*$/m, 'zone: localhost'],
    ['identityFile: proof.key', 'identityFile: lost.key'],
    ['burst: 20', 'brust: 20'],
    ['port: 53', 'port: -1'],
    ['termsOfServiceAgreed: true', 'termsOfServiceAgreed: maybe'],
  ] as const
  const text = mistakes.reduce((before, [from, to]) => replaced(from, to, before), example)
  const found = await problemsOf(path, text)
  t.strictSame(
    found.map((line) => line.split(' ')[1]),
    [
      'zone:',
      'proof.identityFile:',
      'proof.rateLimit.burst:',
      'proof.rateLimit.brust:',
      'dns.dnsListen[0].port:',
      'issue.acme.termsOfServiceAgreed:',
    ],
  )
})

test('a configuration that is nested without end has one mistake, and not what a parser says of its stack', async (t) => {
  const path = await folder(t)
  for (const [what, text] of [
    ['lists', `zone: ${'['.repeat(3_000)}${']'.repeat(3_000)}`],
    ['lists without an end', '['.repeat(100_000)],
    ['sections', `issue: ${'{a: '.repeat(3_000)}1${'}'.repeat(3_000)}`],
    ['a list in a list', `zone: ${'\n- '.padEnd(20_000, '- ')}1`],
  ] as const) {
    const [problem, ...others] = await problemsOf(path, text)
    t.match(problem, /^:\d+:\d+ is nested too deeply to be read$/, what)
    t.strictSame(others, [], what)
  }
})

test('a configuration that is missing or no file of text is refused', async (t) => {
  const path = t.testdir({ 'large.yaml': 'a'.repeat(1024 * 1024 + 1) })
  const missing = join(path, 'missing.yaml')
  await t.rejects(loadConfig(missing), {
    name: 'ConfigError',
    problems: [
      {
        path: '',
        message: `file "${missing}" does not exist: \`nodetrust config init\` writes a sample`,
      },
    ],
  })
  await t.rejects(loadConfig(path), { message: /is no regular file/ })
  await t.rejects(loadConfig(join(path, 'large.yaml')), { message: /has 1048577 bytes/ })
})
