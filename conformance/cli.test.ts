// The command as a person or a CI job runs it, against a DNS server that refuses everything.
import { execFile, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import { test, type Test } from 'tap'
import { createHttpsCertificate } from '../scenarios/engine/ca/https-certificate.ts'
import { openCaller } from './players/caller.ts'
import { SUITE_VERSION } from './suite/agent.ts'
import { lockRun } from './suite/run-lock.ts'
import { generateKeyTexts } from './suite/keys.ts'
import { parseTarget } from './suite/read-target.ts'
import { IssueRequest, Proof, ProofWrapper, readFrames } from './wire/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'nodetrust-conformance-cli-'))
const CLI = join(import.meta.dirname, 'cli.ts')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function conformance(
  words: readonly string[],
  onStart?: (pid: number) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...words], { cwd: folder, env: {} })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  if (child.pid !== undefined) onStart?.(child.pid)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** A DNS server that answers REFUSED to all, or nothing at all; counts what it is asked. */
async function openRefuser(t: Test, { silent = false } = {}) {
  const socket = createSocket('udp4')
  const refuser = { port: 0, queries: 0, onQuery: () => {} }
  socket.on('message', (query, { port, address }) => {
    refuser.queries++
    refuser.onQuery()
    if (silent && refuser.queries > 1) return
    const answer = Buffer.from(query)
    answer.writeUInt16BE(0x8005, 2)
    socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  refuser.port = socket.address().port
  t.teardown(() => socket.close())
  return refuser
}

async function targetFile(name: string, port: number): Promise<string> {
  const file = join(folder, `${name}.json`)
  const dns = [{ address: '127.0.0.1', port }]
  await writeFile(
    file,
    JSON.stringify({ name, zone: 'nt.example', capabilities: [], dns, proof: [] }),
  )
  return file
}

test('mistakes of the user end with 2, each with what is wanted, and never with a stack', async (t) => {
  const target = await targetFile('usage', 9)
  const rows: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: nodetrust-conformance/],
    [['walk'], /unknown command 'walk'/],
    [['run'], /--target <file>/],
    [['run', '--target', 'nowhere.json'], /file "nowhere.json" does not exist/],
    [['run', '--target', target, 'foo'], /"foo" selects nothing, wanted a family/],
    [['run', '--target', target, '--role', 'web'], /Wanted one of proof, issue/],
    [
      [
        'run',
        '--target',
        target,
        '--level',
        'may,x',
        '--rate',
        '0',
        '--report',
        'pdf=x',
        '--seed',
        'y',
      ],
      /--level is "x".*\n--report is "pdf=x".*\n--seed is "y".*\n--rate is "0"/,
    ],
    [
      ['run', '--target', target, '--report', `json=${target}`],
      /would overwrite a file of this run/,
    ],
    [
      ['run', '--target', target, '--report', 'tap=a', '--report', 'junit=./a'],
      /junit=\.\/a would overwrite/,
    ],
    [
      [
        ['run', '--target', target, 'NT-DNS-010', '--report', 'json=usage.json/a.json'],
        ['--report', 'tap=.', '--report', 'html=/proc/nodetrust/a.html'],
      ].flat(),
      /^file "usage.json\/a.json" cannot be written \(ENOTDIR\)\nfile "." cannot be written \(EISDIR\)\nfile "\/proc\/nodetrust\/a.html" cannot be written \(E[A-Z]+\)\n$/,
    ],
    [
      ['report', '--html', target, 'nowhere.json', `./${basename(target)}`],
      /--html .* would overwrite one of the reports/,
    ],
    [['client', '--exec', ' '], /--exec is empty, wanted the program/],
    [['run', '--target', target, '--out', target], /--out is ".*usage.json", which is no folder/],
    [['vectors', 'dump', 'x'], /no vectors "x", wanted some of frames/],
    [['explain', 'NT-DNS-999'], /^"NT-DNS-999" names no check here, the nearest are NT-DNS-\d+, /],
    [
      ['run', '--target', target, 'NT-DNS', 'NT-ISSUE-912', '--dry-run'],
      /^"NT-ISSUE-912" names no check here, the nearest are NT-ISSUE-012, /,
    ],
    [
      ['report', '--html', 'x.html', target],
      /^.*usage.json is not from "run --report json=FILE": schema is missing, wanted "nt_report_v1.json"\n$/,
    ],
    [['run', '--target', target, '--expect', '/dev/zero'], /"\/dev\/zero" is no regular file/],
    [['prepare', '--zone', 'X', '--dns', 'ns1'], /zone is "X".*\n.*dns\[0\].address is "ns1"/],
    [
      ['prepare', '--zone', 'nt.example', '--play', '::1', '--play-acme', '1', '--play-only'],
      /^--play means nothing without --issue\n--play-acme means nothing without --acme\n$/,
    ],
    [['prepare', '--zone', 'nt.example', '--capability', 'web'], /Wanted one of ipv6, private-/],
    [
      ['prepare', '--zone', 'nt.example', '--out', 'csr', '--capability', 'csr'],
      /capabilities\[0\] is "csr", wanted "issue" in the file as well/,
    ],
  ]
  await Promise.all(
    rows.map(async ([words, message]) => {
      const { code, err } = await conformance(words)
      t.equal(code, 2, words.join(' '))
      t.match(err, message)
      t.notMatch(err, /\n\s+at /)
    }),
  )
})

test('help is there for every command, and the version is that of the package', async (t) => {
  const words = ['run', 'self', 'prepare', 'list', 'explain', 'vectors', 'report']
  await Promise.all(
    words.map(async (word) => {
      const { code, out } = await conformance([word, '--help'])
      t.equal(code, 0)
      t.match(out, new RegExp(`Usage: nodetrust-conformance ${word}`))
    }),
  )
  t.equal((await conformance(['--version'])).out, `${SUITE_VERSION}\n`)
})

test('a broken server ends the run with 1, with evidence and reports; as a known failure with 0', async (t) => {
  const { port } = await openRefuser(t)
  const target = await targetFile('refuser', port)
  const words = ['run', '--target', target, 'NT-DNS-010', '--rate', 'none', '--out', 'evidence']
  const reports = ['tap', 'junit', 'json', 'html'].flatMap((format) => [
    '--report',
    `${format}=r/${format}`,
  ])
  const failed = await conformance([...words, ...reports])
  t.equal(failed.code, 1, failed.err)
  t.match(failed.out, /✗ .*\n.*\n {8}expected /)
  t.match(failed.out, new RegExp(`by hand {2}dig @127.0.0.1 -p ${port}`))
  t.same((await readdir(join(folder, 'r'))).toSorted(), ['html', 'json', 'junit', 'tap'])
  const report = JSON.parse(await readFile(join(folder, 'r/json'), 'utf8'))
  t.match(report, { target: { name: 'refuser' }, exitCode: 1 })
  const evidence = join(folder, report.results[0].evidence)
  t.match(await readFile(join(evidence, 'wire.jsonl'), 'utf8'), /"direction":"received"/)
  t.equal((await stat(join(evidence, 'wire.jsonl'))).mode & 0o777, 0o600)

  // The disk has room when the run begins.
  const lost = await conformance([...words, '--report', 'json=/dev/full'])
  t.equal(lost.code, 1, 'a failure stays one')
  t.equal(lost.err, 'file "/dev/full" cannot be written (ENOSPC)\n')

  const known = join(folder, 'known.json')
  await writeFile(known, JSON.stringify({ 'NT-DNS-010': 'fail' }))
  const expected = await conformance([...words, '--expect', known])
  t.equal(expected.code, 0)
  t.match(expected.out, /\(known\)/)
  const unwritten = await conformance([...words, '--expect', known, '--report', 'tap=/dev/full'])
  t.equal(unwritten.code, 5)
  t.match(unwritten.out, /\(known\)/)

  const compared = await conformance(['report', '--html', 'compared.html', 'r/json', 'r/json'])
  t.equal(compared.code, 0)
  t.match(await readFile(join(folder, 'compared.html'), 'utf8'), /--targets: 2/)
})

test('a target where nothing answers ends the run with 4, at once; no check ends it with 3', async (t) => {
  const { port } = await openRefuser(t)
  const target = await targetFile('reachable', port)
  // Nothing listens on the discard port of loopback.
  const nowhere = await targetFile('nowhere', 9)
  const [away, none, inapplicable] = await Promise.all([
    conformance(['run', '--target', nowhere, 'NT-DNS']),
    conformance(['run', '--target', target, 'NT-DNS', '--exclude', 'dns/*']),
    conformance(['run', '--target', target, '--role', 'client']),
  ])
  t.equal(away.code, 4)
  t.match(away.out, /nothing answers at 127.0.0.1 port 9/)
  t.equal(none.code, 3)
  t.equal(inapplicable.code, 3)
})

test('a run ends with 2, and asks nobody anything, while another keeps evidence of its target', async (t) => {
  const refuser = await openRefuser(t)
  const target = await targetFile('twice', refuser.port)
  const kept = join(folder, 'conformance-results/twice')
  const words = ['run', '--target', target, 'NT-DNS-010']
  const other = await lockRun(kept)
  t.match(await conformance(words), {
    code: 2,
    out: '',
    err: `another run (process ${process.pid}) has "conformance-results/twice": wait until it ends, or take another --out\n`,
  })
  t.equal(refuser.queries, 0)
  await other[Symbol.asyncDispose]()
  t.equal((await conformance(words)).code, 1)
  t.notOk((await readdir(kept)).includes('run.lock'))
})

test('a dry run asks nobody anything', async (t) => {
  const refuser = await openRefuser(t)
  const target = await targetFile('dry', refuser.port)
  const { code, out } = await conformance([
    'run',
    '--target',
    target,
    'NT-DNS-010',
    '--dry-run',
    '--json',
  ])
  t.equal(code, 0)
  t.match(JSON.parse(out), [{ id: /^NT-DNS-010\// }])
  t.equal(refuser.queries, 0)
})

test('self takes what takes minutes, too: it leaves no MUST out', async (t) => {
  const { code, out } = await conformance(['self', 'dns01/*', '--dry-run', '--json'])
  t.equal(code, 0)
  t.match(out, '"NT-DNS01-008/lifetime"')
})

test('a dry run of what the suite starts itself starts nothing, makes nothing, and needs no CA', async (t) => {
  // In its environment there is no PATH, and so no CA.
  const [self, client] = await Promise.all([
    conformance(['self', '--dry-run', '--out', 'dry-self']),
    conformance(['client', '--exec', 'none', '--dry-run', '--out', 'dry-client']),
  ])
  t.match(self, { code: 0, err: '' })
  for (const id of ['NT-DNS-017/', 'NT-PROOF-001/', 'NT-ISSUE-022/names', 'NT-CLIENT-001/']) {
    t.match(self.out, new RegExp(`^${id}\\S*  MUST$`, 'm'))
  }
  t.match(client, { code: 0, out: /^NT-CLIENT-001\/\S+  MUST$/m, err: '' })
  const made = await readdir(folder)
  t.notOk(made.includes('dry-self'))
  t.notOk(made.includes('dry-client'))
})

test('a signal ends a run with its own code, and what was found until then is reported', async (t) => {
  const signals = [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const
  await Promise.all(
    signals.map(async ([signal, wanted]) => {
      const refuser = await openRefuser(t, { silent: true })
      const target = await targetFile(signal, refuser.port)
      const words = ['run', '--target', target, 'NT-DNS-010', '--report', `json=${signal}-partial`]
      const { code, out } = await conformance(words, (pid) => {
        refuser.onQuery = () => {
          if (refuser.queries === 2) process.kill(pid, signal)
        }
      })
      t.equal(code, wanted)
      t.match(out, /interrupted: \d+ checks? not run/)
      t.match(JSON.parse(await readFile(join(folder, `${signal}-partial`), 'utf8')), {
        interrupted: true,
        exitCode: wanted,
        leftOut: [{ why: 'interrupted' }],
      })
    }),
  )
})

test(
  'a second signal ends a command at once, also where files are read that do not end',
  process.platform === 'win32' ? { skip: 'there are no FIFOs' } : {},
  async (t) => {
    const fifo = join(folder, 'second-signal')
    await promisify(execFile)('mkfifo', [fifo])
    // As many as there are threads for files: nothing else is read or written then.
    const stuck = `import { open } from 'node:fs'
      process.on('exit', () => process.stderr.write('ended'))
      process.once('SIGINT', () => {
        for (let count = 0; count < 4; count++) open(${JSON.stringify(fifo)}, () => {})
        process.stderr.write('stuck ')
      })`
    const preload = `data:text/javascript,${encodeURIComponent(stuck)}`
    const child = spawn(process.execPath, ['--import', preload, CLI, 'vectors', 'dump'], {
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    // More comes than anybody takes, so it waits.
    await once(child.stdout, 'readable')
    const exited = once(child, 'exit')
    child.kill('SIGINT')
    await once(child.stderr, 'data')
    child.kill('SIGTERM')
    t.same(await exited, [null, 'SIGTERM'])
    t.equal(said, 'stuck ended', 'what is done at an exit is done')
  },
)

test(
  'output that a full disk does not take is no success, and a reader that goes early is no failure',
  process.platform === 'linux' ? {} : { skip: 'there is no /dev/full' },
  async (t) => {
    const shell = async (line: string) =>
      await promisify(execFile)('/bin/bash', ['-c', line], { cwd: folder }).then(
        ({ stderr }) => ({ code: 0, stderr }),
        (error: { readonly code: number; readonly stderr: string }) => error,
      )
    const list = `'${process.execPath}' '${CLI}' list`
    const [full, early] = await Promise.all([
      shell(`${list} > /dev/full`),
      shell(`set -o pipefail; ${list} --json | head -1`),
    ])
    t.match(full, { code: 5, stderr: /^standard output cannot be written \(ENOSPC\): .*\n$/ })
    t.match(early, { code: 0, stderr: /^$/ })
  },
)

test('list and explain tell what is checked, where it comes from, and how to do it by hand', async (t) => {
  const rows = JSON.parse((await conformance(['list', 'dns/*', '--json'])).out)
  t.match(
    rows.find(({ id }: { readonly id: string }) => id === 'NT-DNS-017'),
    {
      level: 'MUST',
      cases: [{ id: /^NT-DNS-017\// }],
    },
  )
  const { out } = await conformance(['explain', 'nt-dns-017'])
  t.match(out, /^.*NT-DNS-017: .*\n.*MUST, dns/)
  t.match(out, /source {4}.*RFC 4343/)
  t.match(out, /dig @192.0.2.53/)

  const target = { name: 'one', zone: 'nt.example', capabilities: [], dns: [], proof: [] }
  await writeFile(join(folder, 'mine.json'), JSON.stringify(target))
  const mine = await conformance(['explain', 'NT-ISSUE-012', '--target', 'mine.json'])
  t.match(mine.out, / --request-of NT-ISSUE-012\/\S+ --target mine\.json\n/)
  t.notMatch(mine.out, /target\.json/)
  const run = await conformance(['run', 'NT-ISSUE-012', '--target', 'mine.json', '--json'])
  t.match(JSON.parse(run.out).results[0].byHand, / --target mine\.json\n/, 'reports do so, too')
})

test('reports go to standard output in one piece with all else that is said there', async (t) => {
  const { port } = await openRefuser(t)
  const target = await targetFile('output', port)
  const run = ['run', '--target', target, 'NT-DNS-010', '--rate', 'none']
  const redirected = join(folder, 'redirected')
  const shell = `exec "$0" "$@" > ${redirected}`
  const tapTo = (file: string): readonly string[] => [...run, '--report', `tap=${file}`]
  const outputs = ['-', redirected, ...(process.platform === 'linux' ? ['/dev/stdout'] : [])]
  for (const file of outputs) {
    await promisify(execFile)('/bin/sh', ['-c', shell, process.execPath, CLI, ...tapTo(file)], {
      cwd: folder,
      env: {},
    }).catch(({ code }: { readonly code: unknown }) => t.equal(code, 1))
    const text = await readFile(redirected, 'utf8')
    t.match(text, /^TAP version 14\n[^]*\nnodetrust-conformance .*\n[^]*NOT EVERY MUST HOLDS/, file)
    t.equal(text.match(/^TAP version/gm)?.length, 1)
  }

  const nulls = ['--report', 'json=/dev/null', '--report', 'html=/dev/null']
  const { code, err } = await conformance([...run, ...nulls, '--report', 'json=output-report.json'])
  t.equal(code, 1, err)
  const page = await conformance(['report', '--html', '-', 'output-report.json'])
  t.match(page, { code: 0, err: '', out: /^<!doctype html>[^]*<\/html>\s*$/i })
  t.notOk((await readdir(folder)).includes('-'), 'nothing is named so')
})

test('send makes the request of a check for the peer that it calls as, and shows what comes', async (t) => {
  const server = await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  await server.node.handle('/p2p/nodetrust/issue/1.0.0', (stream) => {
    stream.addEventListener(
      'message',
      () => {
        stream.send(Uint8Array.of(2, 8, 2))
        void stream.close()
      },
      { once: true },
    )
  })
  t.teardown(() => server.close())
  const addresses = server.node.getMultiaddrs().map(String)
  const { privateKey: proofKey } = await generateKeyTexts()
  const target = {
    name: 'sent',
    zone: 'nt.example',
    dns: [],
    proof: [],
    capabilities: ['played-proof-server'],
    issue: { addresses },
    acme: { directoryUrl: 'https://127.0.0.1:14000/dir', roots: [] },
    players: { proofKey },
  }
  await writeFile(join(folder, 'sent.json'), JSON.stringify(target))
  const words = ['send', addresses[0] ?? '', '/p2p/nodetrust/issue/1.0.0']
  const made = [...words, '--request-of', 'NT-ISSUE-013/proof-of-another-peer']
  const { code, out, err } = await conformance([
    ...words,
    '--request-of',
    'NT-ISSUE-011/too-old',
    '--target',
    'sent.json',
  ])
  t.equal(code, 0, err)
  const [, sent = ''] = /^sent ([0-9a-f]+)\nreceived 020802\n/.exec(out) ?? []
  const [, peer = ''] = /connected as (\S+)/.exec(err) ?? []
  const [request = new Uint8Array(0)] = readFrames(Buffer.from(sent, 'hex')).messages
  const [proof = new Uint8Array(0)] = IssueRequest.decode(request).proofs
  const { id, timestamp } = Proof.decode(ProofWrapper.decode(proof).proof)
  t.equal(peerIdFromMultihash(Digest.decode(id)).toString(), peer)
  t.ok(Date.now() - timestamp > 300_000)

  t.match(err, /identify nodetrust-conformance\S* .*\/p2p\/nodetrust\/issue\/1.0.0/)

  const issue = '/p2p/nodetrust/issue/1.0.0'
  const [address = ''] = addresses
  const nobody = address.replace(/tcp\/\d+/, 'tcp/1')
  const another = address.replace(/[^/]+$/, '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2')
  const unreached: readonly (readonly [readonly string[], RegExp])[] = [
    [['send', nobody, issue], /^cannot connect to .*: nobody listens there/],
    [['send', nobody.replace('/p2p', '/ws/p2p'), issue], /^cannot connect to .*: the WebSocket/],
    [['send', another, issue], /^cannot connect to .*: the peer there is \S+; put its id/],
    [['send', address, '/p2p/x'], /no stream of \/p2p\/x .*: the protocol is not served there/],
  ]
  const missed = await Promise.all(unreached.map(([wrong]) => conformance(wrong)))
  for (const [index, [, message]] of unreached.entries()) {
    t.match(missed[index], { code: 4, err: message })
  }

  t.match(await conformance(made), { code: 2, err: /--request-of needs --target/ })
  t.match(await conformance([...made, '--target', 'sent.json', '00']), {
    code: 2,
    err: /give either/,
  })
  const mistyped = [...words, '--request-of', 'NT-ISSUE-011/to-old', '--target', 'sent.json']
  t.match(await conformance(mistyped), { code: 2, err: /the nearest .* are NT-ISSUE-011\/too-old/ })
  const csr = [...words, '--request-of', 'NT-ISSUE-042/p-384', '--target', 'sent.json']
  t.match(await conformance(csr), { code: 2, err: /does not claim the capability "csr"/ })
})

test('vectors are checked and printed', async (t) => {
  const broken = join(folder, 'frames.json')
  await writeFile(broken, '{"schema": "frames_schema_v1.json"}')
  const [good, bad, dumped] = await Promise.all([
    conformance(['vectors', 'check']),
    conformance(['vectors', 'check', broken]),
    conformance(['vectors', 'dump', 'proof_verify', '--flag', 'Forged']),
  ])
  t.match(good, { code: 0, out: /^\d{3,} vectors in \d+ files: as they should be\n$/ })
  t.match(bad, { code: 1, err: /^frames.json: / })
  t.match(JSON.parse(dumped.out), [{ kind: 'proof_verify', flags: ['Forged'], result: 'invalid' }])
})

test('prepare makes keys that run takes, tells what servers have to know, and replaces no target', async (t) => {
  const words = ['prepare', '--zone', 'nt.example', '--dns', '[::1]:5353', '--out', 'prepared']
  const id = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
  const servers = [
    ['--dns01', `/ip4/127.0.0.1/tcp/4002/p2p/${id}`],
    ['--issue', `/ip4/127.0.0.1/tcp/4003/p2p/${id}`, '--acme', 'https://127.0.0.1:14000/dir'],
    ['--play', '127.0.0.1'],
  ].flat()
  const { code, out } = await conformance([...words, ...servers])
  t.equal(code, 0)
  const file = join(folder, 'prepared/target.json')
  const text = await readFile(file, 'utf8')
  const target = JSON.parse(text)
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.match(out, /12D3KooW\w+\n/)
  t.match(target.dns, [{ address: '::1', port: 5353 }])
  for (const secret of [
    target.dns01.writerKey,
    target.players.proofKey,
    target.players.dns.peerKey,
  ]) {
    t.type(secret, 'string')
    t.notOk(out.includes(secret), 'no private key is printed')
  }
  t.equal((await conformance(['run', '--target', file, '--dry-run', 'dns/*'])).code, 0)
  t.equal((await conformance([...words, ...servers])).code, 2)
  t.equal(await readFile(file, 'utf8'), text)
})

test('prepare says what servers can and where the suite plays, and plays a CA where that is wanted', async (t) => {
  const peer = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
  const other = '12D3KooWP4LYQSU19CvuzapAVxScgfHSCkiGcRrWUd5HRvZK9V9f'
  const ownCa = await createHttpsCertificate()
  await writeFile(join(folder, 'private-ca.pem'), ownCa.certificate)
  const { code, out, err } = await conformance(
    [
      ['prepare', '--zone', 'nt.example', '--out', 'played', '--name', 'all'],
      ['--proof', `/ip4/192.0.2.1/tcp/4001/p2p/${peer}`],
      ['--proof', `/ip4/192.0.2.2/tcp/4001/p2p/${other}`],
      ['--proof', `/ip6/2001:db8::1/tcp/4001/p2p/${peer}`],
      ['--issue', `/ip4/192.0.2.3/tcp/4003/p2p/${peer}`],
      ['--acme', 'https://192.0.2.3:14000/dir', '--acme-ca', 'private-ca.pem'],
      ['--acme-root', 'private-ca.pem', '--capability', 'csr', '--capability', 'ipv6'],
      ['--key-type', 'Ed25519', '--key-type', 'RSA'],
      ['--play', '127.0.0.9', '--play-libp2p', '4102', '--play-dns', '5354', '--play-only'],
      ['--play-acme', '14443'],
    ].flat(),
  )
  t.equal(code, 0, err)
  const target = parseTarget(await readFile(join(folder, 'played/target.json'), 'utf8'), 'target')
  t.same(target.capabilities, [
    'csr',
    'ipv6',
    'played-proof-server',
    'played-dns-server',
    'played-ca',
  ])
  t.same(target.keyTypes, ['Ed25519', 'RSA'])
  t.same(
    target.proof.map(({ addresses }) => addresses.length),
    [2, 1],
    'each peer is a server',
  )
  t.match(target.players?.dns, {
    listen: ['/ip4/127.0.0.9/tcp/4102'],
    dns: { address: '127.0.0.9', port: 5354 },
    only: true,
  })
  t.equal(target.acme?.roots.length, 1)
  t.match(out, /its only DNS server .*issue.dnsServers\)\n {2}\/ip4\/127.0.0.9\/tcp\/4102\/p2p\//)
  t.match(out, /\n {2}https:\/\/127.0.0.9:14443\/dir\n {2}trusting played\/played-ca.pem /)
  t.match(out, /target.json is the target; it holds private keys/)
  t.match(
    out,
    /proof.rateLimit, issue.rateLimit.*\n {2}rateLimit: \{ burst: 600, intervalMs: 100 \}/,
  )
  const trusted = await readFile(join(folder, 'played/played-ca.pem'), 'utf8')
  t.equal(trusted, target.players?.acme?.certificate)
  t.equal(new X509Certificate(trusted).checkIP('127.0.0.9'), '127.0.0.9')

  const alone = await conformance(['prepare', '--zone', 'nt.example', '--out', 'alone'])
  t.match(
    alone.out,
    /have to know of the suite, .*:\n\nNothing: /,
    'there is always something to say',
  )
  t.notMatch(alone.out, 'private key', 'there is none in this target')
})

test('a run that cannot play at its ports ends with 2, once and before its checks', async (t) => {
  const taken = createSocket('udp4').bind(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const peer = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
  const words = [
    ['prepare', '--zone', 'nt.example', '--out', 'taken'],
    ['--issue', `/ip4/127.0.0.1/tcp/9/p2p/${peer}`, '--acme', 'https://127.0.0.1:14000/dir'],
    ['--play', '127.0.0.1', '--play-dns', String(taken.address().port)],
  ].flat()
  t.equal((await conformance(words)).code, 0)
  const { code, out, err } = await conformance(['run', '--target', 'taken/target.json', 'issue'])
  t.equal(code, 2)
  t.equal(out, '')
  t.match(err, new RegExp(`^port ${taken.address().port} \\(udp\\) at 127.0.0.1, [^\n]*\n$`))
})

test('a production CA is refused until it is named', async (t) => {
  const { port } = await openRefuser(t)
  const file = await targetFile('production', port)
  const target = JSON.parse(await readFile(file, 'utf8'))
  const issue = {
    addresses: ['/ip4/127.0.0.1/tcp/9/p2p/12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'],
  }
  const words = ['run', '--target', file, 'issue/*', '--dry-run']
  for (const host of [
    'acme-v02.api.letsencrypt.org',
    'acme.zerossl.com',
    'dv.acme-v02.api.pki.goog',
    'api.buypass.com',
  ]) {
    const acme = { directoryUrl: `https://${host}/directory`, roots: [] }
    await writeFile(file, JSON.stringify({ ...target, issue, acme }))
    const { code, err } = await conformance(words)
    t.equal(code, 2, host)
    t.match(err, `--acme-production ${host}`)
  }
  t.not((await conformance([...words, '--acme-production', 'api.buypass.com'])).code, 2)

  const prepare = ['prepare', '--zone', 'nt.example', '--out', 'production', '--issue']
  const acme = ['--acme', 'https://api.buypass.com/acme/directory']
  const refused = await conformance([...prepare, ...issue.addresses, ...acme])
  t.match(refused, { code: 2, err: '--acme-production api.buypass.com' })
  const named = ['--acme-production', 'api.buypass.com']
  t.equal((await conformance([...prepare, ...issue.addresses, ...acme, ...named])).code, 0)
})
