import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'tap'
import { tryPorts } from './ports.ts'

const LINUX = process.platform === 'linux'

test('a port that is taken is told with who has it, and what to do', async (t) => {
  const tcp = createServer().listen(0, '127.0.0.1')
  const udp = createSocket('udp4').bind(0, '127.0.0.1')
  await Promise.all([once(tcp, 'listening'), once(udp, 'listening')])
  const address = tcp.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  const queries = udp.address().port
  const dns = {
    peerKey: '',
    listen: [`/ip4/127.0.0.1/tcp/${taken}`],
    dns: { address: '127.0.0.1', port: queries },
  }
  const who = LINUX ? `process ${process.pid} \\(.+\\)` : 'another process .*'
  const line = (protocol: string, port: number, key: string): string =>
    `port ${port} \\(${protocol}\\) at 127\\.0\\.0\\.1, .* \\(${key} in the target file\\), is taken by ${who}: wait`
  await t.rejects(tryPorts({ dns }), {
    name: 'UsageError',
    message: new RegExp(
      `^${line('tcp', taken, 'players.dns.listen')}.*\n${line('udp', queries, 'players.dns.dns')}.*$`,
    ),
  })

  await Promise.all([once(tcp.close(), 'close'), once(udp.close(), 'close')])
  await t.resolves(tryPorts({ dns }), 'what is free is left free')
  await t.resolves(tryPorts({ dns }))
})

test('an address of another machine is told as that', async (t) => {
  const listen = { address: '192.0.2.53', port: 14_000 }
  const upstream = { directoryUrl: 'https://127.0.0.1/dir' }
  await t.rejects(tryPorts({ acme: { listen, upstream, certificate: '', privateKey: '' } }), {
    message: /^port 14000 \(tcp\) at 192\.0\.2\.53, .* this machine has no such address/,
  })
})
