// The http port of servers that run: what it answers when all is well, and what when something is not. The CA is a
// directory on loopback that counts how often it is asked.
import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type Test } from 'tap'
import { loadConfig, ROLES } from './config/index.ts'
import { writeLoopbackConfig } from './config/testing.ts'
import type { DnsServer } from './dns/index.ts'
import { createLog } from './log.ts'
import { startServers, type Servers } from './node.ts'
import type { Status } from './status/index.ts'

const log = createLog({ format: 'json', level: 'error' })

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function ask(servers: Servers, path: string, method = 'GET'): Promise<Answer> {
  const { address, port } = servers.addresses.http ?? {}
  const asking = request({ host: address, port, path, method, agent: false }).end()
  const [response] = (await once(asking, 'response')) as [NodeJS.ReadableStream & Answer]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  const { statusCode, headers } = response as unknown as {
    readonly statusCode: number
    readonly headers: IncomingHttpHeaders
  }
  return { status: statusCode, headers, body }
}

/** A CA's directory, and how often it was asked for. */
async function startDirectory(t: Test, status = 200) {
  const found = { asked: 0, url: '' }
  const server = createServer(({ headers }, response) => {
    found.asked += 1
    response.writeHead(headers['user-agent'] === undefined ? 400 : status).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  found.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/directory`
  return found
}

async function start(
  t: Test,
  directoryUrl: string,
  edit: (text: string) => string = (text) => text,
): Promise<{ readonly servers: Servers; readonly folder: string }> {
  const folder = t.testdir({})
  const file = await writeLoopbackConfig(folder, (text) =>
    edit(
      text
        .replace(/directoryUrl: .*/, `directoryUrl: ${directoryUrl}`)
        .replace(/# http: .*/, 'http: { port: 0 }'),
    ),
  )
  const servers = await startServers((await loadConfig(file)).config, { roles: ROLES, log })
  t.teardown(() => servers.stop())
  return { servers, folder }
}

test('health is 204 when proofs are signed, DNS answers and takes challenges, and store and CA are there', async (t) => {
  const ca = await startDirectory(t)
  const { servers } = await start(t, ca.url)
  t.equal(servers.addresses.http?.address, '127.0.0.1', 'this machine, if nothing else is wanted')
  let challenges = 0
  const dns = servers.nodes.dns?.services['dns'] as DnsServer | undefined
  dns?.addEventListener('challenge:set', () => {
    challenges += 1
  })

  const asked = await Promise.all(Array.from({ length: 50 }, () => ask(servers, '/health')))
  for (const { status, body } of asked) t.strictSame([status, body], [204, ''])
  for (const path of ['/health', '/health?from=prometheus', '/status']) await ask(servers, path)
  t.equal(ca.asked, 1, 'a crowd at this port is none at the CA')
  t.equal(challenges, 1, 'nor at the DNS servers')
})

test('health is 503 with a reason a line and Retry-After when the CA or the store does not work', async (t) => {
  const ca = await startDirectory(t, 500)
  const { servers, folder } = await start(t, ca.url)
  const holder = new DatabaseSync(join(folder, 'issue.sqlite'))
  t.teardown(() => holder.close())
  holder.exec('BEGIN IMMEDIATE')
  const { status, headers, body } = await ask(servers, '/health')
  t.equal(status, 503)
  t.equal(headers['retry-after'], '30')
  t.match(headers['content-type'], 'text/plain')
  t.strictSame(body.split('\n'), [
    'store: database is locked',
    'CA: the directory answers with status 500, wanted 200',
    '',
  ])
})

test('while the CA limits us, health is 503, and status says until when', async (t) => {
  const ca = await startDirectory(t)
  const { servers, folder } = await start(t, ca.url)
  using store = new DatabaseSync(join(folder, 'issue.sqlite'))
  const until = Date.now() + 60_000
  store.prepare(`INSERT INTO budgets VALUES (?, 'pausedByCa', '', ?)`).run(ca.url, until)
  const { status, body } = await ask(servers, '/health')
  t.equal(status, 503)
  t.match(body, /^CA limits: the ca has limited us: no order goes on before 20\S+Z\n$/)
  const pausedUntil = new Date(until).toISOString()
  t.match(JSON.parse((await ask(servers, '/status')).body) as Status, {
    servers: { problems: [] },
    ca: { problem: undefined, pausedUntil },
    problems: [`CA: limits us, no order goes on before ${pausedUntil}`],
  })
  const metrics = (await ask(servers, '/metrics')).body
  t.match(metrics, /^nodetrust_ca_pause_seconds [1-9]/m)
})

test('health is 503 when the DNS server answers nothing any more, or no server takes challenges', async (t) => {
  const ca = await startDirectory(t)
  const { servers } = await start(t, ca.url)
  await servers.nodes.dns?.stop()
  const { status, body } = await ask(servers, '/health')
  t.equal(status, 503)
  t.match(body, /^dns answers: the dns server does not run$/m)
  t.match(body, /^dns servers: no dns server takes challenges: 12D3/m)
  t.same(body.match(/^[^:\n]+/gm), ['dns answers', 'dns servers'], 'nothing else is a problem')
})

test('metrics are those of every role, and of libp2p by role', async (t) => {
  const ca = await startDirectory(t)
  const { servers } = await start(t, ca.url)
  await ask(servers, '/health')
  const { status, headers, body } = await ask(servers, '/metrics')
  t.equal(status, 200)
  t.match(headers['content-type'], 'text/plain; version=0.0.4')
  for (const line of [
    'nodetrust_proofs_signed_total 0',
    'nodetrust_dns_challenges_set_total 1',
    'nodetrust_dns_challenges_removed_total 1',
    'nodetrust_challenges_total{outcome="set"} 0',
    'nodetrust_certificates{state="fresh"} 0',
    'libp2p_connection_manager_connections{role="proof",libp2p_connection_manager_connections="inbound"} 0',
    'libp2p_connection_manager_connections{role="dns",libp2p_connection_manager_connections="inbound"} 1',
    'libp2p_connection_manager_connections{role="issue",libp2p_connection_manager_connections="outbound"} 1',
  ]) {
    t.ok(body.split('\n').includes(line), line)
  }
  t.match(body, /^process_resident_memory_bytes \d+$/m)
  for (const node of Object.values(servers.nodes)) t.notMatch(body, node?.peerId.toString())
})

test('status tells of the DNS servers and the CA, and what needs a person', async (t) => {
  const ca = await startDirectory(t, 404)
  const { servers } = await start(t, ca.url)
  const { status, headers, body } = await ask(servers, '/status')
  t.equal(status, 200)
  t.match(headers['content-type'], 'application/json')
  const [queries] = servers.addresses.dns
  t.match(JSON.parse(body) as Status, {
    zone: 'nt.example.org',
    servers: { problems: [] },
    ca: { directoryUrl: ca.url, problem: /status 404/ },
    dnsServers: [
      { ...queries, answer: 'ns1.nt.example.org. hostmaster.nt.example.org. 1', inStep: true },
    ],
    certificates: [],
    certificateCount: 0,
    orders: [],
    problems: ['CA: the directory answers with status 404, wanted 200'],
  })
})

test('status and metrics tell what is left of the budgets that the configuration sets', async (t) => {
  const ca = await startDirectory(t)
  const { servers, folder } = await start(t, ca.url, (text) =>
    text.replace('# budgets: # or: letsencrypt,', 'budgets: letsencrypt # or:'),
  )
  // As the issue server would have written: one of 50 is used, and a name has failed.
  const store = new DatabaseSync(join(folder, 'issue.sqlite'))
  t.teardown(() => store.close())
  const nextAt = Date.now() + 3_600_000
  store
    .prepare(`INSERT INTO budgets VALUES (?, 'certificatesPerDomain', 'nt.example.org', ?)`)
    .run(ca.url, nextAt)
  store
    .prepare('INSERT INTO failed_validations VALUES (?, ?, 2, ?)')
    .run(ca.url, 'pabc.nt.example.org', Date.now())

  const { budgets, blockedNames, ...found } = JSON.parse(
    (await ask(servers, '/status')).body,
  ) as Status
  t.match(budgets, [
    { budget: 'ordersPerAccount', key: '', count: 300, left: 300, next: undefined },
    {
      budget: 'certificatesPerDomain',
      key: 'nt.example.org',
      count: 50,
      periodMs: 7 * 24 * 3_600_000,
      left: 49,
      next: new Date(nextAt).toISOString(),
    },
  ])
  t.equal(budgets.length, 2)
  t.match(blockedNames, [{ name: 'pabc.nt.example.org', failures: 2, until: /^20/ }])
  t.strictSame([found.blockedNameCount, found.problems], [1, []], 'which passes by itself')
  const { body } = await ask(servers, '/metrics')
  for (const line of [
    'nodetrust_budget_left{budget="ordersPerAccount"} 300',
    'nodetrust_budget_left{budget="certificatesPerDomain"} 49',
    'nodetrust_budget_limit{budget="certificatesPerDomain"} 50',
    'nodetrust_budgets_used_up{budget="failedValidationsPerName"} 0',
    'nodetrust_names_blocked 1',
  ]) {
    t.ok(body.split('\n').includes(line), line)
  }
})

test('the port has three pages that can be read, and nothing that can be done', async (t) => {
  const ca = await startDirectory(t)
  const { servers } = await start(t, ca.url)
  for (const [method, path, wanted] of [
    ['GET', '/', 404],
    ['GET', '/metrics/', 404],
    ['GET', '//health', 404],
    ['POST', '/health', 405],
    ['DELETE', '/status', 405],
    ['HEAD', '/metrics', 200],
    ['HEAD', '/health', 204],
  ] as const) {
    const { status, body, headers } = await ask(servers, path, method)
    t.equal(status, wanted, `${method} ${path}`)
    if (method === 'HEAD') t.equal(body, '', `${method} ${path}`)
    if (wanted === 405) t.equal(headers.allow, 'GET, HEAD')
  }
})

test('a client that says nothing does not keep the servers from stopping, and the port is free then', async (t) => {
  // A CA that takes requests and does not answer.
  const ca = createServer(() => {}).listen(0, '127.0.0.1')
  await once(ca, 'listening')
  t.teardown(() => ca.close())
  const url = `http://127.0.0.1:${(ca.address() as AddressInfo).port}/directory`
  const { servers } = await start(t, url)
  const { port = 0 } = servers.addresses.http ?? {}
  const silent = connect(port, '127.0.0.1')
  t.teardown(() => silent.destroy())
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  // A health check is under way when the servers stop.
  const asking = ask(servers, '/health').catch(() => {})
  const [probing] = (await once(ca, 'request')) as [IncomingMessage]
  const [from, ended] = [performance.now(), once(probing.socket, 'close')]
  await servers.stop({ timeoutMs: 4_000 })
  await Promise.all([closed, ended])
  t.ok(performance.now() - from < 4_500, 'the probe has not run out its 5 s')
  await asking
  const again = createServer().listen(port, '127.0.0.1')
  await once(again, 'listening')
  again.close()
})

test('without the section there is no port, and one that is taken keeps the servers from starting', async (t) => {
  const ca = await startDirectory(t)
  const { servers } = await start(t, ca.url, (text) => text.replace('http: { port: 0 }', ''))
  t.equal(servers.addresses.http, undefined)
  const taken = new URL(ca.url).port
  await t.rejects(
    start(t, ca.url, (text) => text.replace('http: { port: 0 }', `http: { port: ${taken} }`)),
    { name: 'SetupError', message: `http: port ${taken} on 127.0.0.1 (tcp) is taken (EADDRINUSE)` },
  )
})
