// The commands against `serve all` and a real CA: what a new operator does first, and what an operator then sees.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import {
  caOptionsFromEnvironment,
  openAcmeCa,
  openResolver,
  type AcmeCa,
} from '../../scenarios/engine/ca/index.ts'
import { loadConfig, ROLES } from '../config/index.ts'
import { writeLoopbackConfig } from '../config/testing.ts'
import { createLog } from '../log.ts'
import { startServers, type Servers } from '../node.ts'
import type { Status } from '../status/index.ts'
import { certificate } from './certificate.ts'
import type { CommandIo } from './io.ts'
import { status } from './status.ts'

interface Zone {
  /** With the configuration, its keys and the store. */
  readonly folder: string
  /** The configuration. */
  readonly file: string
  readonly ca: AcmeCa
  readonly servers: Servers
}

/** A real CA, and servers of every role with an http port that it certifies names for; all end with the test. */
async function startZone(t: Test): Promise<Zone> {
  const folder = t.testdir({})
  const { signal } = new AbortController()
  let upstreams: readonly { address: string; port: number }[] = []
  const resolver = await openResolver({ upstreams: () => upstreams })
  t.teardown(() => resolver.close())
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver: resolver.address,
    workDirectory: folder,
    signal,
  })
  t.teardown(() => ca.stop())
  writeFileSync(join(folder, 'ca.pem'), ca.certificateAuthority)
  const file = await writeLoopbackConfig(folder, (text) =>
    text
      .replace(/directoryUrl: .*/, `directoryUrl: ${ca.directoryUrl}`)
      .replace(/# certificateAuthorityFile: ca\.pem.*/, 'certificateAuthorityFile: ca.pem')
      .replace(/# http: .*/, 'http: { port: 0 }')
      // Pebble has a name of its own, and would be refused by the sample's CAA record.
      .replace(/ {2}caa:\n.*\n.*\n/, ''),
  )
  const log = createLog({ format: 'json', level: 'warn' })
  const servers = await startServers((await loadConfig(file)).config, { roles: ROLES, log })
  t.teardown(() => servers.stop())
  upstreams = servers.addresses.dns
  return { folder, file, ca, servers }
}

/** Where a command writes to, and what it has written. */
function commandIo(): CommandIo & { readonly written: () => string } {
  let text = ''
  return {
    write: (more) => void (text += more),
    note: () => {},
    terminal: false,
    signal: new AbortController().signal,
    written: () => text,
  }
}

test('cert writes a certificate that a real CA issued for the proven address, with its key', async (t) => {
  const { folder, servers } = await startZone(t)
  const io = commandIo()
  await certificate(
    {
      issueServer: servers.addresses.libp2p.issue ?? [],
      listen: [],
      out: join(folder, 'tls'),
      timeout: '60',
      json: true,
    },
    io,
  )
  const { names, files } = JSON.parse(io.written()) as {
    names: readonly string[]
    files: Readonly<Record<'key' | 'certificate' | 'chain', string>>
  }
  t.match(names, [/^p[a-z0-9]+\.nt\.example\.org$/, 'ip4127-0-0-1.nt.example.org'])
  const leaf = new X509Certificate(readFileSync(files.certificate))
  for (const name of names) t.ok(leaf.checkHost(name), name)
  t.ok(leaf.checkPrivateKey(createPrivateKey(readFileSync(files.key))))
  t.equal(statSync(files.key).mode & 0o777, 0o600)
  t.ok(readFileSync(files.chain, 'utf8').startsWith(readFileSync(files.certificate, 'utf8').trim()))
})

test('metrics, health and status tell of the certificate that a real CA issued, and of who has it', async (t) => {
  const { folder, file, ca, servers } = await startZone(t)
  const url = `http://127.0.0.1:${servers.addresses.http?.port}`

  await certificate(
    {
      issueServer: servers.addresses.libp2p.issue ?? [],
      listen: [],
      out: folder,
      timeout: '60',
    },
    commandIo(),
  )
  const leaf = new X509Certificate(readFileSync(join(folder, 'certificate.pem')))
  const ends = leaf.validToDate.getTime()

  const metrics = await (await fetch(`${url}/metrics`)).text()
  for (const line of [
    'nodetrust_proofs_signed_total 1',
    'nodetrust_issue_requests_total 1',
    'nodetrust_orders_created_total 1',
    'nodetrust_certificates_issued_total{source="ca"} 1',
    'nodetrust_order_duration_seconds_count{outcome="issued"} 1',
    'nodetrust_order_duration_seconds_count{outcome="failed"} 0',
    'nodetrust_challenges_total{outcome="set"} 2',
    'nodetrust_challenges_total{outcome="failed"} 0',
    'nodetrust_certificates{state="fresh"} 1',
    `nodetrust_certificate_first_end_timestamp_seconds{of="certificates"} ${ends / 1_000}`,
    'nodetrust_orders_unfinished 0',
  ]) {
    t.ok(metrics.split('\n').includes(line), line)
  }
  // Pebble refuses a nonce now and then, and is asked again.
  t.match(
    metrics,
    /^nodetrust_acme_request_duration_seconds_count\{resource="newOrder",status="2xx"\} 1$/m,
  )

  const health = await fetch(`${url}/health`)
  t.equal(health.status, 204, await health.text())

  const json = commandIo()
  await status({ config: file, url, json: true }, json)
  const found = JSON.parse(json.written()) as Status
  t.match(found, {
    ca: { directoryUrl: ca.directoryUrl },
    certificateCount: 1,
    certificates: [
      {
        names: [/^p[a-z0-9]+\.nt\.example\.org$/, 'ip4127-0-0-1.nt.example.org'],
        peer: /^12D3KooW/,
        serial: leaf.serialNumber.toLowerCase(),
        ends: new Date(ends).toISOString(),
      },
    ],
    orderCount: 0,
    problems: [],
  })
  const [renews = 0] = found.certificates.map((row) => Date.parse(row.renews))
  const begins = leaf.validFromDate.getTime()
  t.ok(Math.abs((renews - begins) / (ends - begins) - 2 / 3) < 0.01)

  const text = commandIo()
  await status({ config: file, url }, text)
  t.match(text.written(), /^certificates {2}1$/m)
  t.match(text.written(), new RegExp(`^ {2}${found.certificates[0]?.peer}$`, 'm'))
  t.match(
    text.written(),
    /^ {4}ends \d{4}-\d\d-\d\d \d\d:\d\d \(in \d+ (d|h|min)\), renews about \d{4}/m,
  )
})
