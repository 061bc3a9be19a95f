// Pebble by testcontainers, on an engine of the test's own: Debian's docker.io, started on a private socket
// and folder with flags that work inside containers too. Needs root and Debian; elsewhere it says that it
// did not run, and why.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { t, test } from 'tap'
import type { Test } from 'tap'
import { containerNetwork } from './container.ts'
import { pingDocker } from './docker-engine.ts'
import { getText } from './https-text.ts'
import { caOptionsFromEnvironment, openAcmeCa } from './index.ts'
import { apt } from '../machine/apt.ts'
import { findProgram } from '../machine/machine.ts'
import { installByApt } from './install.ts'
import { lookAtMachine } from './machine.ts'

t.setTimeout(120_000)
const SET_UP_TIMEOUT_MS = 100_000
const ENGINE_TIMEOUT_MS = 20_000
const POLL_MS = 50

test('Pebble runs in a container of a Docker engine and leaves nothing behind', async (t) => {
  const signal = AbortSignal.timeout(SET_UP_TIMEOUT_MS)
  const set = await setUp(t, signal).catch((error: unknown) => String(error))
  if (typeof set === 'string') {
    t.comment(`container path did not run: ${set}`)
    t.pass(`container path did not run: ${set}`)
    return
  }
  const { socket, path, workDirectory } = set
  const reports: string[] = []
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    only: 'container',
    path,
    machineEnvironment: { DOCKER_HOST: `unix://${socket}` },
    resolver: '127.0.0.1:9',
    environment: { PEBBLE_ALTERNATE_ROOTS: '1' },
    workDirectory,
    signal,
    report: (line) => reports.push(line),
  })
  t.teardown(() => ca.stop())
  t.equal(ca.kind, 'container')
  t.match(ca.description, /^Pebble 2\.[\d.]+ in a container \(image nodetrust-pebble:local-/)
  t.match(reports.join('\n'), /building the image nodetrust-pebble:local-/)
  const directory = () =>
    getText(ca.directoryUrl, { certificateAuthority: ca.certificateAuthority, timeoutMs: 1_000 })
  t.match((await directory()).text, /newOrder/)

  const roots = await ca.rootCertificates()
  t.equal(roots.match(/BEGIN CERTIFICATE/g)?.length, 2, 'the knobs arrive in the container')
  await ca.pause()
  await t.rejects(directory(), { name: 'TimeoutError' })
  await ca.resume()
  t.equal((await directory()).status, 200)
  await ca.pause()
  await ca.kill()
  await t.rejects(directory(), { code: 'ECONNREFUSED' })
  await ca.start()
  t.not(await ca.rootCertificates(), roots, 'a started one is a new CA')
  t.match(await readFile(ca.logFile ?? '', 'utf8'), /ACME directory available/)

  await ca.stop()
  await t.rejects(directory(), { code: 'ECONNREFUSED' })
  t.same(await containers(socket), [], 'no container is left')
})

test('the network of a container follows the engine', async (t) => {
  const cases = [
    ['linux', { OperatingSystem: 'Debian GNU/Linux 12' }, 'host'],
    ['linux', { OperatingSystem: 'Docker Desktop' }, 'published'],
    ['darwin', { OperatingSystem: 'Docker Desktop' }, 'published'],
    ['darwin', {}, 'published'],
  ] as const
  for (const [platform, engine, wanted] of cases) {
    t.equal(containerNetwork(platform, engine), wanted, `${platform} ${JSON.stringify(engine)}`)
  }
  t.throws(() => containerNetwork('linux', { SecurityOptions: ['name=rootless'] }), /rootless/)
})

/** An engine and a Pebble to make the image from, or the reason why there is none. */
async function setUp(t: Test, signal: AbortSignal) {
  const path = process.env['PATH'] ?? ''
  const workDirectory = await mkdtemp(join(tmpdir(), 'nt-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const options = { path, machineEnvironment: process.env, resolver: '', workDirectory, signal }
  const facts = await lookAtMachine({ ...options, only: 'container' })
  if (!facts.root) return 'only root can start a Docker engine'
  if (facts.aptGet === undefined) return 'docker.io is installed on Debian and Ubuntu only'
  const folders = `${path}:/usr/sbin:/usr/bin`
  if ((await findProgram('dockerd', folders)) === undefined) {
    t.comment('installing docker.io (once)')
    await apt(
      facts.aptGet,
      ['-y', '-q', '--no-install-recommends', 'install', 'docker.io'],
      options,
      signal,
    )
  }
  if (facts.pebbleOnPath === undefined) await installByApt(facts.aptGet, options)
  const dockerd = await findProgram('dockerd', folders)
  if (dockerd === undefined) return 'apt-get installed docker.io, but there is no dockerd'
  return { path: folders, workDirectory, socket: await startEngine(t, dockerd, signal) }
}

/** Starts dockerd and returns its socket; the test's end ends it, and what it started, by process id. */
async function startEngine(t: Test, dockerd: string, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nt-')) // Short: a socket's path has 107 bytes.
  const socket = join(folder, 'docker.sock')
  const log = join(folder, 'dockerd.log')
  const output = await open(log, 'w')
  const flags = [
    '--storage-driver=vfs --iptables=false --bridge=none --ip-forward=false --ip-masq=false',
    `--data-root ${folder}/data --exec-root ${folder}/exec`,
    `-H unix://${socket} -p ${folder}/dockerd.pid`,
  ]
  const child = spawn(dockerd, flags.join(' ').split(' '), {
    stdio: ['ignore', output.fd, output.fd],
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    // SIGTERM lets it end its containerd and take its mounts away; SIGKILL would leave both.
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), ENGINE_TIMEOUT_MS)
    await ended.catch(() => {})
    clearTimeout(late)
    await output.close()
    await unmountBelow(folder)
    await rm(folder, { recursive: true, force: true })
  })
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(ENGINE_TIMEOUT_MS)])
  while (!(await pingDocker(socket))) {
    if (child.exitCode !== null || deadline.aborted) {
      const lines = (await readFile(log, 'utf8')).trimEnd().split('\n')
      throw new Error(`dockerd does not start here: ${lines.at(-1)}`)
    }
    await delay(POLL_MS)
  }
  await access(socket)
  return socket
}

/** dockerd leaves the mount of its network namespace. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  for (const line of mounts.trimEnd().split('\n').toReversed()) {
    const [, target = ''] = line.split(' ')
    if (target.startsWith(`${folder}/`)) await promisify(execFile)('umount', [target])
  }
}

/** Ids of all containers of the engine, read without any library. */
async function containers(socket: string): Promise<readonly string[]> {
  const { request } = await import('node:http')
  return await new Promise((resolve, reject) => {
    const path = '/containers/json?all=true'
    request({ socketPath: socket, path }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const found: readonly { readonly Id: string }[] = JSON.parse(text)
        resolve(found.map(({ Id: id }) => id))
      })
    })
      .on('error', reject)
      .end()
  })
}
