// The launcher, in a checkout that consists of itself and one program, and that has everything installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'

const PROGRAM = `
import { cwd, argv } from 'node:process'
console.log(JSON.stringify({ folder: cwd(), arguments: argv.slice(2) }))
process.exitCode = Number(argv[2])
`

function checkout(t: Test): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'nodetrust-launch-')))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  copyFileSync(join(import.meta.dirname, 'launch.mjs'), join(root, 'launch.mjs'))
  const lock = '{}'
  writeFileSync(join(root, 'package-lock.json'), lock)
  writeFileSync(join(root, 'program.ts'), PROGRAM)
  mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true })
  symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'))
  const hash = createHash('sha256').update(lock).digest('hex')
  writeFileSync(join(root, 'node_modules/.nodetrust-installed'), hash)
  mkdirSync(join(root, 'sub/folder'), { recursive: true })
  return root
}

test('the launcher runs a program of the checkout in the folder where the person is, and passes on arguments and exit code', (t) => {
  const root = checkout(t)
  const folder = join(root, 'sub/folder')
  // npm starts it in the root, and says in INIT_CWD where it was itself started.
  const { INIT_CWD: _ours, ...plain } = process.env
  const cases: [title: string, cwd: string, env: NodeJS.ProcessEnv][] = [
    ['by npm', root, { ...plain, INIT_CWD: folder }],
    ['by hand', folder, plain],
  ]
  for (const [title, cwd, env] of cases) {
    const launcher = [join(root, 'launch.mjs'), 'program.ts', '3', '--flag']
    const { stdout, stderr, status } = spawnSync(process.execPath, launcher, {
      cwd,
      env,
      encoding: 'utf8',
    })
    t.equal(stderr, '', title)
    t.same(JSON.parse(stdout), { folder, arguments: ['3', '--flag'] }, title)
    t.equal(status, 3, title)
  }
  t.end()
})

test('where a signal ends the program, the launcher ends with the number of that signal, as shells do', (t) => {
  const root = checkout(t)
  writeFileSync(
    join(root, 'program.ts'),
    `process.kill(process.pid, process.argv[2]); setInterval(() => {}, 1000)`,
  )
  for (const [signal, code] of [
    ['SIGKILL', 137],
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const launcher = [join(root, 'launch.mjs'), 'program.ts', signal]
    t.equal(spawnSync(process.execPath, launcher, { cwd: root }).status, code, signal)
  }
  t.end()
})

test('the launcher installs unless it, or npm started by hand, has installed what the lock file wants', (t) => {
  const root = checkout(t)
  rmSync(join(root, 'node_modules/.nodetrust-installed'))
  const lock = (version: string): string =>
    JSON.stringify({
      packages: {
        '': { name: 'nodetrust' },
        'node_modules/a': { version },
        'node_modules/b': { version: '1.0.0', optional: true },
      },
    })
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lock('1.0.0'))
  // Stands for npm, which would take a minute; it installs nothing.
  const bin = join(root, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'npm'), '#!/bin/sh\necho "npm $1"\n', { mode: 0o755 })
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
  const launch = (locked: string): string => {
    writeFileSync(join(root, 'package-lock.json'), locked)
    const launcher = [join(root, 'launch.mjs'), 'program.ts', '0']
    return spawnSync(process.execPath, launcher, { cwd: root, env, encoding: 'utf8' }).stderr
  }
  t.equal(launch(lock('1.0.0')), '', 'npm says so in its record')
  t.match(launch(lock('1.0.1')), /installing[^]*npm install/, 'the lock file wants another version')
  t.equal(launch(lock('1.0.1')), '', 'the launcher has installed it')
  const less = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } })
  t.equal(launch(less), '', 'npm has more than is wanted')
  const more = JSON.stringify({ packages: { 'node_modules/c': { version: '1.0.0' } } })
  t.match(launch(more), /npm install/, 'a package is missing')
  const optional = { 'node_modules/c': { version: '1.0.0', optional: true } }
  t.equal(launch(JSON.stringify({ packages: optional })), '', 'one for other platforms is missing')
  t.end()
})
