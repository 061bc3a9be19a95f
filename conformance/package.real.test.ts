// The package that `npx nodetrust-conformance` takes: packed, unpacked beside its dependencies alone, and run.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { writeConformancePackage } from '../build-conformance.ts'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'nodetrust-package-'))
const installed = join(folder, 'node_modules/nodetrust-conformance')

/** Runs a program in the folder of somebody who has nothing of this repository. */
/** Without the hooks that the test runner gives all processes below it: the compiler cannot be loaded through them. */
function run(...words: readonly string[]) {
  const clean = ['-u', 'NODE_OPTIONS', ...words]
  const { status, stdout, stderr } = spawnSync('env', clean, { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('the suite as a package runs with its dependencies alone, and holds nothing of our servers', async (t) => {
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  // Not into the repository: other tests run beside this one.
  const compiled = join(folder, 'compiled')
  const project = join(root, 'tsconfig.conformance.json')
  const tsc = join(root, 'node_modules/.bin/tsc')
  t.match(run(tsc, '-p', project, '--outDir', compiled), { status: 0, stdout: '' })
  writeConformancePackage(root, compiled)
  const packed = run('npm', 'pack', '--json', compiled)
  const [{ filename, files }] = JSON.parse(packed.stdout)
  const paths: readonly string[] = files.map(({ path }: { readonly path: string }) => path)
  t.notOk(paths.some((path) => path.startsWith('impl') || path.endsWith('.test.js')))
  t.ok(paths.includes('README.md'))
  mkdirSync(installed, { recursive: true })
  t.equal(run('tar', '-xzf', filename, '--strip-components=1', '-C', installed).status, 0)
  const { dependencies, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link)
  }

  const conformance = (...words: readonly string[]) =>
    run(process.execPath, join(installed, bin['nodetrust-conformance']), ...words)
  t.match(conformance('list').stdout, /^NT-WIRE-001 .*\d+ requirements, \d+ checks\n$/s)
  t.match(conformance('explain', 'NT-DNS-017').stdout, /dig @192.0.2.53/)
  const dns = [{ address: '127.0.0.1', port: 9 }]
  const target = { name: 'nobody', zone: 'nt.example', capabilities: [], dns, proof: [] }
  writeFileSync(join(folder, 'target.json'), JSON.stringify(target))
  const reports = ['--report', 'html=r.html', '--report', 'json=r.json', '--report', 'tap=r.tap']
  t.equal(conformance('run', '--target', 'target.json', 'NT-DNS-010', ...reports).status, 4)
  t.match(readFileSync(join(folder, 'r.html'), 'utf8'), /<style>[^<]*--paper/)

  const self = conformance('self')
  t.equal(self.status, 2)
  t.match(self.stderr, /"self" starts the servers of the package nodetrust, which is not installed/)
})
