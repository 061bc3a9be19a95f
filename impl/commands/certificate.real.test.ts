// `nodetrust cert` against `serve all` and a real CA: what a new operator does first.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
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
import { certificate } from './certificate.ts'

test('cert writes a certificate that a real CA issued for the proven address, with its key', async (t) => {
  const folder = t.testdir({})
  const out = join(folder, 'tls')
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
      // Pebble has a name of its own, and would be refused by the sample's CAA record.
      .replace(/ {2}caa:\n.*\n.*\n/, ''),
  )
  const log = createLog({ format: 'json', level: 'warn' })
  const servers = await startServers((await loadConfig(file)).config, { roles: ROLES, log })
  t.teardown(() => servers.stop())
  upstreams = servers.addresses.dns

  let written = ''
  const options = { issueServer: servers.addresses.libp2p.issue ?? [], listen: [], out }
  await certificate(
    { ...options, timeout: '60', json: true },
    { write: (text) => (written += text), note: () => {}, terminal: false, signal },
  )
  const { names, files } = JSON.parse(written) as {
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
