// The command line as its users meet it: a real process, its exit code, and what it prints where.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { decode, encode } from 'dns-packet'
import { createLibp2p } from 'libp2p'
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type Test } from 'tap'
import { onLoopback, writeLoopbackConfig } from './config/testing.ts'
import { PROOF_PROTOCOL } from './wire/protocols.ts'

const CLI = join(import.meta.dirname, 'cli.ts')
const KEYS = ['proof.key', 'proof-signing.key', 'dns.key', 'issue.key']

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(t: Test, args: readonly string[], cwd = import.meta.dirname): ChildProcess {
  const child = spawn(process.execPath, [CLI, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function ended(child: ChildProcess): Promise<Ended> {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (text.stdout += String(chunk)))
  child.stderr?.on('data', (chunk) => (text.stderr += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...text }
}

function run(t: Test, args: readonly string[], cwd?: string): Promise<Ended> {
  return ended(start(t, args, cwd))
}

type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

/** Reads the JSON log of a process. */
class LogReader {
  readonly lines: LogLine[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.#child = child
    if (child.stderr === null) throw new Error('the log of the process is not piped')
    const reader = createInterface({ input: child.stderr })
    reader.on('line', (line) => {
      this.lines.push(parseLine(line))
      for (const look of this.#waiting) look()
    })
    reader.on('close', () => {
      for (const look of this.#waiting) look()
    })
  }

  /** The first line of an event, past or to come. */
  async event(event: string): Promise<LogLine> {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>()
    const look = (): void => {
      const found = this.lines.find((line) => line.event === event)
      if (found !== undefined) resolve(found)
      else if (this.#child.stderr?.readableEnded === true) {
        reject(new Error(`the process ended without "${event}": ${JSON.stringify(this.lines)}`))
      }
    }
    this.#waiting.add(look)
    look()
    return promise.finally(() => this.#waiting.delete(look))
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { msg: line }
  }
}

const COMMANDS = [
  [],
  ['serve'],
  ['status'],
  ['cert'],
  ['config'],
  ['config', 'init'],
  ['config', 'check'],
]

test('every command has help, and those that do something have an example', async (t) => {
  const runs = COMMANDS.map(async (command) => ({
    command,
    ...(await run(t, [...command, '--help'])),
  }))
  for (const { command, code, stdout, stderr } of await Promise.all(runs)) {
    const name = ['nodetrust', ...command].join(' ')
    t.equal(code, 0, name)
    t.equal(stderr, '', name)
    t.match(stdout, `Usage: ${name}`)
    if (name !== 'nodetrust config') t.match(stdout, /Examples:\n {2}nodetrust /, name)
  }
  const version = await run(t, ['--version'])
  t.match(version, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
})

const ISSUE_SERVER = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'

const USAGE_ERRORS: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /Usage: nodetrust/],
  [['bogus'], /unknown command 'bogus'/],
  [['serv'], /Did you mean serve\?/],
  [['serve'], /missing required argument 'role'/],
  [['serve', 'mail'], /Allowed choices are proof, dns, issue, all/],
  [['serve', 'all', '--port', '1'], /unknown option '--port'/],
  [['serve', 'all', '--log', 'xml'], /Allowed choices are text, json/],
  [['serve', 'all'], /nodetrust\.yaml.*does not exist.*config init/],
  [['status'], /nodetrust\.yaml.*does not exist.*config init/],
  [['status', '--url', 'there'], /--url is "there", wanted that of the http port/],
  [['status', '--url', 'file:///etc/passwd'], /--url is "file:/],
  [['config', 'check'], /nodetrust\.yaml.*does not exist.*config init/],
  [['config', 'init'], /required option '--zone <domain>' not specified/],
  [['config', 'init', '--zone', 'local host'], /--zone is "local host", wanted a domain name/],
  [['config', 'init', '--zone', 'a.b', '--address', 'c'], /--address is "c", wanted an IP/],
  [['config', 'init', '--zone', 'a.b', '--out', CLI], /file ".*cli\.ts" exists already/],
  [['cert'], /required option '--issue-server <multiaddr>' not specified/],
  [['cert', '--issue-server', 'there'], /--issue-server is "there", wanted a multiaddr/],
  [['cert', '--issue-server', '/ip4/127.0.0.1/tcp/9'], /ends in \/p2p\/<peer id>/],
  [['cert', '--issue-server', ISSUE_SERVER, '--timeout', '0'], /--timeout is "0", wanted seconds/],
  [['cert', '--issue-server', ISSUE_SERVER, '--identity', 'a.key'], /--identity: .* not exist/],
]

test('a mistake in the command gets a sentence on standard error and exit code 2', async (t) => {
  const runs = USAGE_ERRORS.map(async ([args, wanted]) => ({
    args,
    wanted,
    ...(await run(t, args)),
  }))
  for (const { args, wanted, code, stdout, stderr } of await Promise.all(runs)) {
    const name = `nodetrust ${args.join(' ')}`
    t.equal(code, 2, name)
    t.equal(stdout, '', name)
    t.match(stderr, wanted, name)
    t.notMatch(stderr, /^ +at /m, `${name}: no stack trace`)
  }
})

test('a Node that is too old is named, with the one that is wanted, and exit code 2', async (t) => {
  const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.99.1' } })`
  const preload = `data:text/javascript,${encodeURIComponent(older)}`
  const child = spawn(process.execPath, ['--import', preload, CLI, '--version'])
  t.teardown(() => child.kill('SIGKILL'))
  t.same(await ended(child), {
    code: 2,
    stdout: '',
    stderr: 'error: this is Node 22.99.1, wanted 24 or newer\n',
  })
})

test('config init writes private files that config check finds valid, and replaces none', async (t) => {
  const folder = join(t.testdir({}), 'new')
  const terms = '--agree-to-terms'
  const address = ['--address', '198.51.100.1']
  const init = ['config', 'init', '--zone', 'NT.example.org.', terms, ...address, '--out', folder]
  const first = await run(t, init)
  const files = ['nodetrust.yaml', ...KEYS].map((name) => join(folder, name))
  t.match(first, { code: 0, stdout: `${files.join('\n')}\n` })
  for (const file of files) t.equal(statSync(file).mode & 0o777, 0o600, file)

  const config = join(folder, 'nodetrust.yaml')
  const check = await run(t, ['config', 'check', '--config', config])
  t.match(check, { code: 0, stderr: '', stdout: `${config} is valid\n  zone   nt.example.org\n` })

  const before = files.map((file) => readFileSync(file, 'utf8'))
  const second = await run(t, init)
  t.match(second, { code: 2, stdout: '', stderr: /nothing was written, since there is already/ })
  const contents = (): string[] => files.map((file) => readFileSync(file, 'utf8'))
  t.strictSame(contents(), before)
  const forced = await run(t, [...init, '--force', '--json', '--role', 'dns'])
  t.equal(forced.code, 0)
  t.strictSame(JSON.parse(forced.stdout), { config, keys: [join(folder, 'dns.key')] })
  t.not(contents()[3], before[3], 'the key is a new one')
})

test('without --agree-to-terms the written configuration waits for the operator to agree', async (t) => {
  const folder = join(t.testdir({}), 'new')
  await run(t, ['config', 'init', '--zone', 'nt.example.org', '--out', folder])
  const check = await run(t, ['config', 'check', '--config', join(folder, 'nodetrust.yaml')])
  t.match(check, { code: 2, stderr: /termsOfServiceAgreed: is false, wanted true/ })
})

test('config check prints all mistakes with their places, to people and to machines', async (t) => {
  const folder = t.testdir({})
  const file = await writeLoopbackConfig(folder, (text) =>
    text.replace('burst: 20', 'brust: 20').replace('dns.key', 'lost.key'),
  )
  const people = await run(t, ['config', 'check', '--config', file])
  t.equal(people.code, 2)
  t.equal(people.stdout, '')
  t.match(people.stderr, `error: ${file} has 3 errors\n`)
  t.match(people.stderr, /nodetrust\.yaml:\d+:\d+ proof\.rateLimit\.brust: unknown key/)
  t.match(people.stderr, /nodetrust\.yaml:\d+:\d+ dns\.identityFile: file ".*lost\.key" does not/)

  const machine = await run(t, ['config', 'check', '--config', file, '--json'])
  t.equal(machine.code, 2)
  t.match(JSON.parse(machine.stdout), {
    file,
    valid: false,
    problems: [
      { path: 'proof.rateLimit.burst', message: /is missing/ },
      { path: 'proof.rateLimit.brust', line: Number, column: 5 },
      { path: 'dns.identityFile' },
    ],
  })
})

test('config check tells machines what a valid configuration describes, and its warnings', async (t) => {
  const folder = t.testdir({})
  const file = await writeLoopbackConfig(folder)
  chmodSync(join(folder, 'issue.key'), 0o640)
  const { code, stdout } = await run(t, ['config', 'check', '--config', file, '--json'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    file,
    valid: true,
    zone: 'nt.example.org',
    roles: [
      { role: 'proof', peerId: /^12D3/, proofKey: /^CAES/ },
      { role: 'dns', queries: ['127.0.0.1 port 0'] },
      { role: 'issue', directoryUrl: 'https://127.0.0.1:9/directory' },
    ],
    warnings: [/others can read or write ".*issue\.key" \(mode 0640\)/],
  })
})

interface Started {
  readonly addresses: {
    readonly proof: readonly string[]
    readonly dns: readonly string[]
    readonly issue: readonly string[]
    readonly queries: readonly { readonly address: string; readonly port: number }[]
  }
}

test('what config init writes is served, answers, and ends within 5 s of SIGTERM', async (t) => {
  const folder = t.testdir({})
  const terms = '--agree-to-terms'
  await run(t, ['config', 'init', '--zone', 'nt.example.org', terms, '--out', folder])
  const config = join(folder, 'nodetrust.yaml')
  writeFileSync(config, onLoopback(readFileSync(config, 'utf8')))
  chmodSync(join(folder, 'dns.key'), 0o644)
  const child = start(t, ['serve', 'all', '--config', config, '--json', '--log', 'json'])
  const log = new LogReader(child)
  const exit = ended(child)
  const started = (await log.event('started')) as LogLine & Started
  t.match(started, {
    level: 'info',
    zone: 'nt.example.org',
    addresses: {
      proof: [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/],
      dns: [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/],
      issue: [/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/],
      queries: [{ address: '127.0.0.1', port: Number }],
    },
  })
  t.match(await log.event('config:warning'), {
    level: 'warn',
    msg: /others can read or write ".*dns\.key" \(mode 0644\): chmod 600 it/,
  })
  t.match(await log.event('acme:unreachable'), {
    level: 'warn',
    directory: 'https://127.0.0.1:9/directory',
    reason: /ECONNREFUSED/,
  })
  t.strictSame(await lookUp(t, started, 'ip4203-0-113-7.nt.example.org'), ['203.0.113.7'])

  const cert = ['cert', '--issue-server', started.addresses.issue[0] ?? '', '--out', folder]
  const obtained = await run(t, [...cert, '--timeout', '60'])
  t.match(obtained, { code: 1, stdout: '', stderr: /error: a certificate was refused: E_OTHER/ })
  t.notMatch(obtained.stderr, /^ +at /m)
  t.equal(statSync(join(folder, 'identity.key')).mode & 0o777, 0o600, 'the new identity is kept')
  t.notOk(existsSync(join(folder, 'key.pem')), 'nothing is written without a certificate')
  t.match(await log.event('request:refused'), { role: 'issue', level: 'info', code: 9 })

  const from = performance.now()
  child.kill('SIGTERM')
  const { code, stdout } = await exit
  t.equal(code, 0)
  t.ok(performance.now() - from < 5_000)
  t.match(log.lines.at(-1), { event: 'stopped' })
  t.strictSame(JSON.parse(stdout), {
    libp2p: {
      proof: started.addresses.proof,
      dns: started.addresses.dns,
      issue: started.addresses.issue,
    },
    queries: started.addresses.queries,
  })
})

async function lookUp(t: Test, { addresses }: Started, name: string): Promise<unknown[]> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const [server] = addresses.queries
  const questions = [{ type: 'A' as const, name }]
  socket.send(encode({ id: 7, type: 'query', questions }), server?.port, server?.address)
  const signal = AbortSignal.timeout(10_000)
  const [packet] = (await once(socket, 'message', { signal })) as [Buffer]
  return (decode(packet).answers ?? []).map((answer) => ('data' in answer ? answer.data : answer))
}

/** Of what depends on which of two comes first. */
const TRIES_MAX = 5

test('Ctrl-C stops a server cleanly; a second signal ends it at once with its own code', async (t) => {
  const file = await writeLoopbackConfig(t.testdir({}))
  const args = ['serve', 'proof', '--config', file, '--log', 'json']
  const single = start(t, args)
  const log = new LogReader(single)
  const exit = ended(single)
  await log.event('started')
  single.kill('SIGINT')
  t.equal((await exit).code, 0)
  t.match(log.lines.at(-1), { event: 'stopped' })

  // The kernel may give the two to different threads; who has ended before the second is heard shows nothing.
  let twice = await signalledTwice(t, args)
  for (let tries = 1; twice.code === 0 && tries < TRIES_MAX; tries += 1) {
    twice = await signalledTwice(t, args)
  }
  t.ok(twice.code === 130 || twice.code === 143, `exit code ${twice.code}`)
  t.notOk(twice.lines.some(({ event }) => event === 'stopped'))
})

/** A proof server that gets two signals at once. */
async function signalledTwice(
  t: Test,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly lines: readonly LogLine[] }> {
  const server = start(t, args)
  const log = new LogReader(server)
  const exit = ended(server)
  const { addresses } = (await log.event('started')) as LogLine & Started
  // Somebody has to be told that the server goes: otherwise a stop is over within one turn of the event loop.
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  t.teardown(() => node.stop())
  // A stream and not only a connection: the server then knows that it is connected.
  await node.dialProtocol(
    addresses.proof.map((address) => multiaddr(address)),
    PROOF_PROTOCOL,
  )
  // Held, so that both are there before a stop can be over. Two different ones, since the system would
  // deliver two of a kind as one.
  for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) server.kill(signal)
  const { code } = await exit
  return { code, lines: log.lines }
}

test('a port that is taken is named on standard error, exit code 2', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const file = await writeLoopbackConfig(t.testdir({}), (text) =>
    text.replace('port: 0', `port: ${port}`),
  )
  const { code, stderr } = await run(t, ['serve', 'dns', '--config', file])
  t.equal(code, 2)
  t.match(stderr, `error: dns: port ${port} on 127.0.0.1 (tcp) is taken (EADDRINUSE): end what`)
  t.notMatch(stderr, /^ +at /m)
})

test('a log is text where that is asked for, by option or by configuration', async (t) => {
  const file = await writeLoopbackConfig(t.testdir({}), (text) =>
    text.replace('# format: json', 'format: text'),
  )
  const cases = [
    [[], /\[\d\d:\d\d:\d\d\.\d+\] INFO: started \{"zone":/],
    [['--log', 'json'], /^\{"level":"info",.*"event":"started"/m],
  ] as const
  for (const [options, wanted] of cases) {
    const child = start(t, ['serve', 'proof', '--config', file, '--json', ...options])
    const exit = ended(child)
    // Printed once the server has started.
    if (child.stdout !== null) await once(child.stdout, 'data')
    child.kill('SIGTERM')
    t.match((await exit).stderr, wanted)
  }
})

test('status tells by configuration and by URL how servers are, and exits with 1 when that needs somebody', async (t) => {
  const edit = (text: string): string =>
    text.replace(/# http: .*/, 'http: { port: 0 }').replace(/port: 0\n/, `port: ${dnsPort}\n`)
  const dnsPort = await freeUdpPort()
  const file = await writeLoopbackConfig(t.testdir({}), edit)
  const child = start(t, ['serve', 'all', '--config', file, '--log', 'json'])
  const exit = ended(child)
  const log = new LogReader(child)
  const started = (await log.event('started')) as LogLine & {
    readonly addresses: { readonly http: { readonly port: number } }
  }
  const { port } = started.addresses.http
  // The configuration that knows the port that was chosen.
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('http: { port: 0 }', `http: { port: ${port} }`),
  )

  const byUrl = await run(t, ['status', '--url', `http://127.0.0.1:${port}/`])
  t.equal(byUrl.code, 1)
  t.match(byUrl.stdout, /^zone +nt\.example\.org\nservers +healthy\nCA +https:.* does not answer\n/)
  t.match(byUrl.stdout, /^problems +CA: connect ECONNREFUSED 127\.0\.0\.1:9\n$/m)
  t.equal(byUrl.stderr, 'error: 1 thing needs you\n')

  const byConfig = await run(t, ['status', '--config', file, '--json'])
  t.equal(byConfig.code, 1)
  t.match(JSON.parse(byConfig.stdout), {
    zone: 'nt.example.org',
    servers: { problems: [] },
    dnsServers: [{ address: '127.0.0.1', port: dnsPort, answer: /^ns1\./, inStep: true }],
    certificates: [],
    problems: ['CA: connect ECONNREFUSED 127.0.0.1:9'],
  })

  child.kill('SIGTERM')
  await exit
  const afterwards = await run(t, ['status', '--config', file])
  t.equal(afterwards.code, 1)
  t.match(afterwards.stdout, /^problems +servers: do not run: .*ECONNREFUSED/m)
  t.match(afterwards.stdout, / DNS server 127\.0\.0\.1 port \d+ fails: .*ECONNREFUSED/)
  t.match(afterwards.stdout, /^certificates +0$/m, 'the store is read without the server')
  const gone = await run(t, ['status', '--url', `http://127.0.0.1:${port}`])
  t.match(gone, { code: 1, stdout: '', stderr: /"http:.*" cannot be asked: connect ECONNREFUSED/ })
})

test('status exits with 0 when all is well, and fails for an answer that is none', async (t) => {
  const file = await writeLoopbackConfig(t.testdir({}), (text) =>
    // A proof server alone has nothing to look at but itself.
    text.replace(/^(dns|issue):\n(?:[ #].*\n|\n)+/gm, ''),
  )
  const well = await run(t, ['status', '--config', file])
  t.match(well, { code: 0, stderr: '', stdout: 'zone          nt.example.org\n' })
  const other = createHttpServer((_, response) => response.end('{"zone":"a"}')).listen(0)
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const none = await run(t, ['status', '--url', `http://127.0.0.1:${port}`])
  t.match(none, { code: 1, stdout: '', stderr: /did not answer with a status/ })
})

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

test('cert fails with one sentence when no issue server can be reached', async (t) => {
  const folder = t.testdir({})
  const { code, stderr } = await run(t, ['cert', '--issue-server', ISSUE_SERVER], folder)
  t.equal(code, 1)
  t.match(stderr, /error: .*ECONNREFUSED/)
  t.notMatch(stderr, /^ +at /m)
})
