// What cannot be is one line, and the exit code for it, of each command: before anything runs, and without a stack trace.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t, test } from 'tap'
import { preloadUrl } from '../../engine/mutation/on-load.ts'

const PROGRAM = join(import.meta.dirname, '../../cli.ts')

interface Ended {
  readonly code: number
  readonly out: string
  readonly error: string
}

async function run(words: readonly string[], environment = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const options = { env: { ...process.env, FORCE_COLOR: '0', ...environment }, maxBuffer: 1 << 26 }
  const child = execFile(process.execPath, [PROGRAM, ...words], options, (_, out, error) => {
    resolve({ code: child.exitCode ?? -1, out, error })
  })
  return await promise
}

const folder = await mkdtemp(join(tmpdir(), 'nodetrust-mistakes-'))
const file = join(folder, 'file')
await writeFile(file, '')
const withFolders = join(folder, 'with-folders')
await mkdir(join(withFolders, 'index.html'), { recursive: true })
const withFile = join(folder, 'with-file')
await mkdir(withFile)
await writeFile(join(withFile, 'runs'), '')
const [trace, cutTrace, otherTrace] = ['trace.jsonl', 'cut.jsonl', 'other.jsonl'].map((name) =>
  join(folder, name),
) as [string, string, string]
await writeFile(trace, '{"atMs":1}\n{"atMs":2}\n')
await writeFile(cutTrace, '{"atMs":1}\n{"atM')
await writeFile(otherTrace, '{"atMs":1}\n{"xyz":2}\n')
const nowhere = join(folder, 'nowhere')
t.teardown(() => rm(folder, { recursive: true }))

type Case = readonly [words: string, message: RegExp]
/** Words after each command, and what is said to them. */
const MISTAKES: Readonly<Record<string, readonly Case[]>> = {
  swarm: [
    ['--count 0', /whole number from 1/],
    ['--budget 5', /such as 90s, 20m or 8h/],
    ['--budget 0s', /such as 90s, 20m or 8h/],
    ['--budget 9999h', /at most 596h/],
    ['--from x', /"x" is no seed/],
    ['--world nowhere', /Allowed choices are swarm, canary, crowd/],
    ['--queue redis://127.0.0.1:1', /cannot be reached.*apt-get install redis-server/],
    ['--queue redis://127.0.0.1:99999', /wanted redis:/],
    ['--queue redis://127.0.0.1:1 --jobs 2', /--queue <url>' cannot be used with .*--jobs/],
    ['--queue redis://127.0.0.1:1 --check-determinism', /cannot be used with .*--check-determ/],
  ],
  replay: [
    ['', /missing required argument/],
    ['5 --world nowhere', /there is no world "nowhere": wanted swarm, canary.*, or a scenario/],
    ['5 --world browser', /"browser" runs in real time/],
    ['5 --faults x', /"x" is no whole number/],
    ['5 --faults 0,999', /there is no fault 999: seed 5 has the faults 0 to \d+$/m],
    ['5 --halved 999:1', /there is no fault 999/],
    ['5 --without nosuch', /there is no host "nosuch": seed 5 has proof1, .*client1/],
    ['5 --without proof1,dns1,issue1', /can do without proof1, nor without dns1 or issue1/],
    ['5 --world happy-path --faults 0', /is a scenario, .*--faults.* are of swarm, canary/],
    ['5 --world happy-path --without client1', /"happy-path" is a scenario/],
    [`5 --html ${nowhere}/page.html`, /there is no folder ".*nowhere"/],
    [`5 --trace ${folder}`, /it is a folder/],
    [`5 --check-determinism --trace ${file}`, /cannot be used with .*--trace/],
  ],
  shrink: [
    ['5 --world happy-path', /Allowed choices are swarm, canary/],
    ['5 --faults 999', /there is no fault 999/],
    ['5 --without dns1', /can do without dns1/],
  ],
  diff: [
    [`${nowhere} ${nowhere}`, /there is no file ".*nowhere"/],
    [`${folder} ${folder}`, /"\/.*" is a folder/],
    [`${file} ${file}/inside`, /there is no file ".*inside"/],
    [`${trace} ${cutTrace}`, /cut\.jsonl" is cut in line 2: .* all before is the same$/m],
  ],
  nightly: [
    ['--budget long', /wanted such as 90s, 20m or 8h/],
    ['--date yesterday', /wanted a day such as/],
    [`--folder ${file}`, /the folder ".*file" cannot be made/],
    [`--folder ${withFolders}`, /index\.html" is a folder/],
    [`--folder ${withFile}`, /the folder ".*runs" cannot be made/],
    ['--queue redis://127.0.0.1:1 --jobs 2', /--queue <url>' cannot be used with .*--jobs/],
  ],
  worker: [
    ['', /required option '--queue <url>'/],
    ['--queue http://x', /wanted redis:/],
    ['--queue redis://:secret@127.0.0.1:1', /"redis:\/\/127\.0\.0\.1:1" cannot be reached/],
  ],
  'happy-path': [
    ['--check-determinism', /only a simulated world is the same twice/],
    ['--check-determinism --transport sim --clients 999', /whole number from 1 to 200/],
    ['--check-determinism --transport sim --keep', /cannot be used with .*--keep/],
    ['--check-determinism --transport sim --acme https://ca.test/', /a CA of its own/],
  ],
  browser: [['--check-determinism --transport sim', /"browser" knows no virtual time/]],
}

for (const [command, cases] of Object.entries(MISTAKES)) {
  test(`a mistake in the words after "${command}" is one line, and exit code 64`, async (t) => {
    for (const [words, message] of cases) {
      const { code, out, error } = await run([command, ...words.split(' ').filter(Boolean)])
      t.equal(code, 64, `${command} ${words}`)
      t.match(error, message)
      t.notMatch(error, /secret|\n\s+at /, 'no stack trace')
      t.equal(out, '')
    }
  })
}

test('a cut trace hides no difference that what is left of it shows', async (t) => {
  for (const traces of [
    [cutTrace, otherTrace],
    [otherTrace, cutTrace],
  ]) {
    const { code, out } = await run(['diff', ...traces])
    t.equal(code, 5)
    t.match(out, /differ from line 2 on:/)
  }
})

test('a trace whose writer was killed is told of, whatever else is shown of the run', async (t) => {
  const killed = join(folder, 'killed.jsonl')
  // Only where the world runs, and once much of it is told.
  const kill = `import fs, { writeFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const create = fs.createWriteStream
    if (process.send) fs.createWriteStream = (path) => {
      let lines = 0
      const file = create(path)
      const write = file.write
      file.write = function (...words) {
        if (++lines < 20) return write.apply(this, words)
        writeFileSync(path, '{"atMs":1}\\n{"atM')
        process.kill(process.pid, 'SIGKILL')
      }
      return file
    }
    syncBuiltinESMExports()`
  const NODE_OPTIONS = `--import=data:text/javascript;base64,${Buffer.from(kill).toString('base64')}`
  const words = ['replay', '1', '--world', 'happy-path', '--trace', killed]
  for (const more of [[], ['--json', '--html', join(folder, 'killed.html')]]) {
    const { code, out, error } = await run([...words, ...more], { NODE_OPTIONS })
    t.equal(code, 4, more.join(' '))
    t.match(out, /it ended with SIGKILL/)
    t.match(error, /^replay: ".*killed\.jsonl" is cut in line 2: what wrote it was ended\n$/)
  }
})

test('a folder for temporary files that is none is a mistake, before anything runs', async (t) => {
  for (const words of [
    'replay 1',
    'swarm --count 1',
    'happy-path --transport sim --check-determinism',
  ]) {
    for (const TMPDIR of [nowhere, file]) {
      const { code, out, error } = await run(words.split(' '), { TMPDIR })
      t.equal(code, 64, words)
      t.match(error, /temporary files \(TMPDIR\) ".*" cannot be written$/m)
      t.notMatch(error, /\n\s+at /, 'no stack trace')
      t.equal(out, '')
    }
  }
})

test('code whose version git does not tell takes no part in a queue', async (t) => {
  for (const words of ['swarm', 'nightly', 'worker']) {
    const environment = { PATH: nowhere }
    const queue = ['--queue', 'redis://127.0.0.1:1']
    const inFolder = words === 'nightly' ? ['--folder', join(folder, 'nightly')] : []
    const { code, error } = await run([words, ...queue, ...inFolder], environment)
    t.equal(code, 64, words)
    t.match(error, /^scenario: the version of this code is not known: there is no git on PATH$/m)
    t.notMatch(error, /\n\s+at /, 'no stack trace')
  }
})

test('a full disk under a trace is told of, and is no failure of the seed', async (t) => {
  const words = 'replay 1 --world happy-path --trace /dev/full'
  const { code, out, error } = await run(words.split(' '))
  t.equal(code, 70)
  t.match(out, /the trace cannot be written: ENOSPC/)
  t.equal(error, '')
})

const notHolding = {
  NODE_OPTIONS: `--import=${preloadUrl([
    {
      file: 'scenarios/engine/run.ts',
      find: 'holds: verdicts.every(({ problem }) => problem === undefined)',
      replace: 'holds: false',
    },
  ])}`,
}

test('a full disk under a page is one line that names it, after what the run showed, whose exit code stays unless all is well', async (t) => {
  for (const [words, expected, shown, planted] of [
    ['replay 1 --world happy-path', 70, /seed 1 of happy-path passes/],
    ['replay 6 --world canary', 3, /seed 6 of canary: liveness/],
    ['happy-path --transport sim', 2, /all hold after/],
    ['happy-path --transport sim', 1, /NOT ALL HOLD after/, notHolding],
  ] as const) {
    const { code, out, error } = await run([...words.split(' '), '--html', '/dev/full'], planted)
    t.equal(code, expected, words)
    t.match(out, shown)
    t.match(error, /^scenario: "\/dev\/full" cannot be written: ENOSPC: no space left on device/m)
    t.notMatch(error, /\n\s+at /, 'no stack trace')
  }
})

test('--help of each command names its exit codes', async (t) => {
  for (const command of ['swarm', 'replay', 'shrink', 'diff', 'nightly', 'worker']) {
    const { code, out } = await run([command, '--help'])
    t.equal(code, 0)
    t.notMatch(out, /default: \d+000\)/, 'times have units')
    t.match(
      out,
      /0 all pass, 1 an invariant is broken, 2 unknown[^]*no worker ran one[^]*64 usage[^]*70[^]*130 interrupted/,
    )
  }
  const { out } = await run(['happy-path', '--help'])
  t.match(out, /--check-determinism ends as replay does: 5 when the two runs differ, 64 for usage/)
})
