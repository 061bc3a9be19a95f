// The README's example and its claims about commands, run as they stand there.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'tap'
import type { NodetrustClient } from './impl/index.ts'
import { caOptionsFromEnvironment } from './scenarios/engine/ca/index.ts'
import { tcpDriver } from './scenarios/engine/drivers/tcp.ts'
import { hosts } from './scenarios/engine/scenario.ts'
import { Trace } from './scenarios/engine/trace.ts'
import { World } from './scenarios/engine/world.ts'
import { scenarios } from './scenarios/index.ts'
import { SWARM_COMMANDS } from './scenarios/swarm/commands/index.ts'

/** What the example takes for granted, as every example of libp2p does. */
const IMPORTS = `
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { nodetrust } from '${pathToFileURL('impl/index.ts').href}'
`

const readme = await readFile('README.md', 'utf8')

test('the example of the README obtains a certificate', async (t) => {
  const [, example = ''] = /```ts\n([^]*?)```/.exec(readme) ?? []
  t.match(example, /nodetrust\(\{ issueServers \}\)/)
  t.ok(example.trim().split('\n').length <= 12, 'it is short')
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-readme-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  await using world = await World.open({
    plan: { hosts: hosts({ proof: 1, dns: 1, issue: 1 }) },
    driver: tcpDriver(),
    trace: new Trace(),
    workDirectory,
    signal: AbortSignal.timeout(60_000),
    ca: caOptionsFromEnvironment(process.env),
  })
  const body = example
    .replace("import { nodetrust } from 'nodetrust'", '')
    // Two tests at once must not want one port.
    .replaceAll(/\/ip4\/0\.0\.0\.0\/tcp\/\d+/g, '/ip4/127.0.0.1/tcp/0')
  const folder = t.testdir({
    'example.ts': `${IMPORTS}
      export async function run(issueServers: readonly Multiaddr[]) {
        ${body}
        return node
      }`,
  })
  const { run } = await import(join(folder, 'example.ts'))
  const node = await run(world.hostsOf('issue').flatMap((host) => host.multiaddrs))
  t.teardown(() => node.stop())
  const service: NodetrustClient = node.services.nodetrust
  if (service.certificate === undefined) {
    await new Promise((resolve) =>
      service.addEventListener('certificate:obtained', resolve, { once: true }),
    )
  }
  t.match(service.certificate?.names, [/^p[a-z0-9]+\.nt\.example$/, 'ip4127-0-0-1.nt.example'])
  t.match(service.addresses.map(String), [
    /^\/dns4\/ip4127-0-0-1\.nt\.example\/tcp\/\d+\/tls\/ws\/p2p\//,
  ])
})

test('every scenario and command that the README names exists', async (t) => {
  const known = new Set(['list', ...SWARM_COMMANDS, ...scenarios.map(({ name }) => name)])
  for (const [, name = ''] of readme.matchAll(/npm run scenario -- ([a-z-]+)/g)) {
    t.ok(known.has(name), name)
  }
})
