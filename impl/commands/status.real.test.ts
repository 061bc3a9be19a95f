// What an operator sees of servers that have certified a node with a real CA: metrics, health, status.
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import {
  caOptionsFromEnvironment,
  openAcmeCa,
  openResolver,
} from '../../scenarios/engine/ca/index.ts'
import { writeLoopbackConfig } from '../config/testing.ts'
import { loadConfig, ROLES } from '../config/index.ts'
import { createLog } from '../log.ts'
import { startServers } from '../node.ts'
import type { Status } from '../status/index.ts'
import { certificate } from './certificate.ts'
import { status } from './status.ts'

test('metrics, health and status tell of the certificate that a real CA issued, and of who has it', async (t) => {
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
  const url = `http://127.0.0.1:${servers.addresses.http?.port}`

  const io = { write: () => {}, note: () => {}, terminal: false, signal }
  await certificate(
    {
      issueServer: servers.addresses.libp2p.issue ?? [],
      listen: [],
      out: folder,
      timeout: '60',
    },
    io,
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

  let written = ''
  const write = (text: string): void => void (written += text)
  await status({ config: file, url, json: true }, { ...io, write })
  const found = JSON.parse(written) as Status
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

  written = ''
  await status({ config: file, url }, { ...io, write })
  t.match(written, /^certificates {2}1$/m)
  t.match(written, new RegExp(`^ {2}${found.certificates[0]?.peer}$`, 'm'))
  t.match(written, /^ {4}ends \d{4}-\d\d-\d\d \d\d:\d\d \(in \d+ (d|h|min)\), renews about \d{4}/m)
})
