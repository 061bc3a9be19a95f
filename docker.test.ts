// The examples for operators say what is so: their commands are run, their configuration is read, and the dashboard
// asks for no metric that the servers do not have.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type Test } from 'tap'
import { parse } from 'yaml'
import { loadConfig } from './impl/config/index.ts'
import { writeLoopbackConfig } from './impl/config/testing.ts'
import packageJson from './package.json' with { type: 'json' }

const ROOT = import.meta.dirname
const CLI = join(ROOT, 'impl/cli.ts')
const CONFIG = '/etc/nodetrust/nodetrust.yaml'
const URL_IN_EXAMPLES = 'http://127.0.0.1:9465'

const text = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

interface Compose {
  readonly services: Readonly<
    Record<
      'nodetrust' | 'prometheus',
      {
        readonly command: readonly string[]
        readonly volumes: readonly string[]
        readonly build: { readonly context: string; readonly dockerfile: string }
        readonly healthcheck: { readonly test: readonly string[] }
        readonly network_mode: string
      }
    >
  >
}

interface Started {
  readonly child: ChildProcess
  readonly url: string
}

/** Runs a command of an example as it stands there, but for the paths and ports of this test. */
function run(t: Test, args: readonly string[], replace: Readonly<Record<string, string>>) {
  const replaced = args.map((argument) => replace[argument] ?? argument)
  const child = spawn(process.execPath, [CLI, ...replaced], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function exitCode(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let written = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => (written += String(chunk)))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text: written }
}

/** Runs a command that serves, until it has told where its http port is. */
async function serve(t: Test, args: readonly string[], config: string): Promise<Started> {
  const child = run(t, args, { [CONFIG]: config })
  if (child.stderr === null) throw new Error('the log is not piped')
  for await (const line of createInterface({ input: child.stderr })) {
    const logged = JSON.parse(line) as {
      readonly event: string
      readonly addresses?: { readonly http?: { readonly port: number } }
    }
    if (logged.event !== 'started') continue
    return { child, url: `http://127.0.0.1:${logged.addresses?.http?.port}` }
  }
  throw new Error('the servers did not start')
}

function config(t: Test): Promise<string> {
  return writeLoopbackConfig(t.testdir({}), (sample) =>
    sample
      // The line as config init writes it, with another port.
      .replace(
        '# http: { address: 127.0.0.1, port: 9465 }',
        'http: { address: 127.0.0.1, port: 0 }',
      )
      // The CA of this test has no limits of its own.
      .replace('# budgets: # or: letsencrypt,', 'budgets: letsencrypt # or:'),
  )
}

async function stopped({ child }: Started): Promise<number | null> {
  const exit = once(child, 'exit') as Promise<[number | null]>
  child.kill('SIGTERM')
  return (await exit)[0]
}

const unit = text('docker/nodetrust.service')
const compose = parse(text('docker/compose.yaml')) as Compose

/** The arguments of a line of the unit, after the program. */
function unitArguments(key: string): readonly string[] {
  const [, line = ''] = new RegExp(`^${key}=\\S+/nodetrust (.*)$`, 'm').exec(unit) ?? []
  return line.split(' ')
}

test('the commands of the systemd unit check a configuration, serve it, and stop at SIGTERM', async (t) => {
  const file = await config(t)
  const checked = await exitCode(run(t, unitArguments('ExecStartPre'), { [CONFIG]: file }))
  t.match(checked, { code: 0, text: /is valid/ })
  const servers = await serve(t, unitArguments('ExecStart'), file)
  t.equal(await stopped(servers), 0)
  const broken = await writeLoopbackConfig(t.testdir({}), (sample) =>
    sample.replace('zone:', 'Zone:'),
  )
  const refused = await exitCode(run(t, unitArguments('ExecStart'), { [CONFIG]: broken }))
  const [, never] = /^RestartPreventExitStatus=(\d+)$/m.exec(unit) ?? []
  t.equal(refused.code, Number(never), 'what no restart mends is not restarted')
})

test('the bin that the unit runs is the one of the package', (t) => {
  t.strictSame(Object.keys(packageJson.bin), ['nodetrust'])
  const programs = [...unit.matchAll(/^ExecStart(?:Pre)?=(\S+)/gm)].map(([, program]) => program)
  t.strictSame(new Set(programs), new Set(['/opt/nodetrust/node_modules/.bin/nodetrust']))
  t.end()
})

test('the compose file serves on the network of the host, and its health check is a status', async (t) => {
  const { nodetrust, prometheus } = compose.services
  t.equal(nodetrust.network_mode, 'host', 'a bridge hides the addresses that are proven')
  t.ok(text(join('docker', nodetrust.build.context, nodetrust.build.dockerfile)))
  t.ok(nodetrust.volumes.some((volume) => volume.startsWith('/etc/nodetrust:')))
  const [mounted = ''] = prometheus.volumes
  t.ok(text(join('docker', mounted.split(':')[0] ?? '')))

  const servers = await serve(t, nodetrust.command, await config(t))
  const [, , program, ...args] = nodetrust.healthcheck.test
  t.equal(program, 'dist/cli.js')
  const health = await exitCode(run(t, args, { [URL_IN_EXAMPLES]: servers.url }))
  t.match(health, { code: 1, text: /CA +https:\/\/127\.0\.0\.1:9\/directory does not answer/ })
  t.match(health.text, /DNS servers +127\.0\.0\.1 port \d+: ns1\.\S+ \S+ 1, in step/)
  t.equal(await stopped(servers), 0)
})

test('the image runs the program that the package builds, with the Node version that it needs', (t) => {
  const dockerfile = text('docker/Dockerfile')
  const [, entry] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? []
  t.strictSame(JSON.parse(entry ?? ''), ['node', packageJson.bin.nodetrust])
  const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
  t.strictSame(JSON.parse(command ?? ''), ['serve', 'all', '--config', CONFIG])
  const needed = /\d+/.exec(packageJson.engines.node)?.[0]
  const versions = [...dockerfile.matchAll(/^FROM node:(\d+)-/gm)].map(([, version]) => version)
  t.strictSame(new Set(versions), new Set([needed]))
  t.ok(text('build.ts'), 'what it runs to build')
  t.end()
})

test('what examples and README say of the configuration is what it takes', async (t) => {
  const http = '{ address: 127.0.0.1, port: 9465 }'
  t.match(text('docker/compose.yaml'), `http: ${http}`)
  t.match(text('README.md'), `http: ${http}`)
  const store = /`(storePath: \S+)`/.exec(unit)?.[1] ?? ''
  const file = await writeLoopbackConfig(t.testdir({}), (sample) =>
    sample.replace(`# http: ${http}`, `http: ${http}`).replace(/storePath: .*/, store),
  )
  const loaded = await loadConfig(file)
  t.strictSame(loaded.config.http, { address: '127.0.0.1', port: 9465 })
  t.equal(loaded.config.issue?.storePath, '/var/lib/nodetrust/issue.sqlite')
  t.match(unit, /^StateDirectory=nodetrust$/m, 'which systemd makes for it')
  const scrape = parse(text('docker/prometheus.yaml')) as {
    readonly scrape_configs: readonly {
      readonly job_name: string
      readonly metrics_path: string
      readonly static_configs: readonly { readonly targets: readonly string[] }[]
    }[]
  }
  t.strictSame(scrape.scrape_configs[0]?.static_configs[0]?.targets, ['127.0.0.1:9465'])
  t.equal(scrape.scrape_configs[0]?.metrics_path, '/metrics')
  t.match(text('docker/grafana-dashboard.json'), `job=\\"${scrape.scrape_configs[0]?.job_name}\\"`)
})

interface Dashboard {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly query: unknown }[] }
}

test('every metric and label that the dashboard asks for is exported, and every one of ours is shown', async (t) => {
  const servers = await serve(t, compose.services.nodetrust.command, await config(t))
  const [response] = (await once(get(`${servers.url}/metrics`), 'response')) as [
    AsyncIterable<Buffer>,
  ]
  let exported = ''
  for await (const chunk of response) exported += String(chunk)
  const types = new Map(
    [...exported.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]),
  )
  const names = new Set(
    [...types].flatMap(([name, type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  )
  const dashboard = JSON.parse(text('docker/grafana-dashboard.json')) as Dashboard
  const queries = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }) => JSON.stringify(query)),
  ]
  const asked = new Set(
    queries.flatMap((query) => query.match(/\b(?:nodetrust|libp2p|process|nodejs)_\w+/g) ?? []),
  )
  t.ok(asked.size > 20)
  for (const name of asked) t.ok(names.has(name), name)

  const shown = (name: string): boolean => [...asked].some((metric) => metric.startsWith(name))
  const ours = [...types.keys()].filter((name) => name.startsWith('nodetrust_'))
  t.strictSame(
    ours.filter((name) => !shown(name)),
    [],
    'nothing is exported that nobody sees',
  )
  // Labels that are selected by, and their values, are those of the series; a histogram of the CA has none yet.
  for (const [, name = '', label = '', value = ''] of queries
    .join('\n')
    .matchAll(/(nodetrust_\w+)\{[^}]*?,(\w+)="(\w+)"/g)) {
    t.match(exported, new RegExp(`^${name}\\{[^}]*${label}="${value}"`, 'm'), `${name} ${label}`)
  }
  const ids = dashboard.panels.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  t.equal(await stopped(servers), 0)
})
