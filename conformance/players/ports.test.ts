import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'tap'
import { listenerAt } from '../suite/processes.ts'
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

test(
  'who has a port is who has it at that address, or at all',
  LINUX ? {} : { skip: 'processes are found by /proc' },
  async (t) => {
    const here = createServer().listen(0, '127.0.0.3')
    await once(here, 'listening')
    const { port } = here.address() as AddressInfo
    const script = `require('node:net').createServer().listen(${port}, '127.0.0.2', () => console.log('ready'))`
    const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
    t.teardown(() => other.kill('SIGKILL'))
    await once(other.stdout, 'data')
    const at = (address: string): number | undefined =>
      listenerAt({ protocol: 'tcp', address, port })
    t.equal(at('127.0.0.2'), other.pid)
    t.equal(at('127.0.0.3'), process.pid)
    t.equal(at('::ffff:127.0.0.2'), other.pid)
    t.equal(at('127.0.0.4'), undefined)
    t.equal(at('::1'), undefined)
    t.ok([other.pid, process.pid].includes(at('0.0.0.0')))
    t.ok([other.pid, process.pid].includes(at('::')))
    await once(here.close(), 'close')

    for (const [listening, asked] of [
      ['0.0.0.0', '127.0.0.4'],
      ['::', '127.0.0.4'],
      ['::', '::1'],
      ['::1', '::1'],
    ] as const) {
      const server = createServer().listen(0, listening)
      await once(server, 'listening')
      const found = listenerAt({
        protocol: 'tcp',
        address: asked,
        port: (server.address() as AddressInfo).port,
      })
      t.equal(found, process.pid, `${asked}, where ${listening} is taken`)
      await once(server.close(), 'close')
    }
  },
)

test('an address of another machine is told as that', async (t) => {
  const listen = { address: '192.0.2.53', port: 14_000 }
  const upstream = { directoryUrl: 'https://127.0.0.1/dir' }
  await t.rejects(tryPorts({ acme: { listen, upstream, certificate: '', privateKey: '' } }), {
    message: /^port 14000 \(tcp\) at 192\.0\.2\.53, .* this machine has no such address/,
  })
})
