#!/usr/bin/env node
// Starts a TypeScript program of this repository from a bare checkout: installs the npm packages when
// they are missing or older than package-lock.json, then runs the program with the pinned Node.
// Plain JavaScript without dependencies, because the Node that starts it may be older than the pinned one.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`)

const root = dirname(fileURLToPath(import.meta.url))
const nodeBinary = join(root, 'node_modules/node/bin/node')
const installedStamp = join(root, 'node_modules/.nodetrust-installed')
const npmRecord = join(root, 'node_modules/.package-lock.json')

/**
 * Whether npm's own record names what the lock file wants: somebody has installed it by hand. Optional packages are
 * for other platforms.
 * @param {string} lock
 */
function isRecorded(lock) {
  if (!existsSync(npmRecord)) return false
  const recorded = JSON.parse(readFileSync(npmRecord, 'utf8')).packages
  const { '': _ours, ...wanted } = JSON.parse(lock).packages
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = recorded[path]?.version
    return found === version || (found === undefined && optional === true)
  })
}

const [program, ...programArguments] = process.argv.slice(2)
if (program === undefined) {
  say('usage: node launch.mjs PROGRAM.ts [arguments]')
  process.exit(2)
}

const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
const lockHash = createHash('sha256').update(lock).digest('hex')
const installed =
  existsSync(nodeBinary) &&
  ((existsSync(installedStamp) && readFileSync(installedStamp, 'utf8') === lockHash) ||
    isRecorded(lock))
if (!installed) {
  say('installing the npm packages and the pinned Node (once) …')
  // Not `npm ci`: it refuses a lock file without the optional packages of platforms that its author could not fetch.
  // Without saving, `npm install` takes the same versions and leaves the checkout as it is.
  const npmArguments = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const install = spawnSync('npm', npmArguments, {
    cwd: root,
    // What npm prints belongs to set-up, not to the program's standard output.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (install.status !== 0) {
    say(
      `npm install failed (${install.error?.message ?? `exit ${install.status}`}): see its messages above, then run the same command again`,
    )
    process.exit(2)
  }
  if (!existsSync(nodeBinary)) {
    say(
      `npm install did not place the pinned Node at ${nodeBinary}: allow the install script of the package "node" (npm rebuild node), then run the same command again`,
    )
    process.exit(2)
  }
  writeFileSync(installedStamp, lockHash)
}

const child = spawn(nodeBinary, [join(root, program), ...programArguments], {
  stdio: 'inherit',
  // npm has changed the folder; files that a person names are where that person is.
  cwd: process.env.INIT_CWD ?? process.cwd(),
  env: {
    ...process.env,
    PATH: `${dirname(nodeBinary)}:${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`,
  },
})
// A terminal sends Ctrl-C to the whole group, a service manager only to us: the program decides either way.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
process.on('SIGINT', () => {})
child.on('error', (error) => {
  say(`cannot start ${nodeBinary}: ${error.message}`)
  process.exit(2)
})
child.on('exit', (code, signal) => {
  // As shells tell of a signal.
  process.exit(code ?? 128 + constants.signals[signal ?? 'SIGTERM'])
})
