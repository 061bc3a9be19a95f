// What the scenario does not say of itself: that Chromium is given no flag that would make its verdict worthless, that it
// leaves nothing behind, and that a run keeps a picture. The scenario itself runs with the others.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { browser } from './browser.ts'
import { openChromium } from './engine/browser/chromium.ts'
import { BROWSER, findBrowser, STRANGER } from './engine/browser/index.ts'
import { caOptionsFromEnvironment } from './engine/ca/index.ts'
import { runScenario } from './engine/run.ts'

const ca = caOptionsFromEnvironment(process.env)
const signal = new AbortController().signal
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')

/** Flags by which Chromium trusts what it should not, looks away, or treats a page as it treats no other. */
const WEAKENING =
  /certificate|insecure|spki|web-security|test-root|test-third-party|allow-running|unsafely-treat|site-isolation|cert-verif/i

/** The command lines of running processes that hold this text. */
async function commandLines(text: string): Promise<string[][]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.filter((line) => line.includes(text)).map((line) => line.split('\0'))
}

test('Chromium is started without a flag that skips a check, and leaves no process and no folder', async (t) => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-browser-'))
  t.teardown(() => rm(workDirectory, { recursive: true }))
  const chromium = await openChromium({
    browser: await findBrowser({ ...ca, signal }),
    workDirectory,
    roots: '',
    names: new Map([['ip4203-0-113-7.nt.example', '127.0.0.1']]),
    signal,
  })
  const lines = await commandLines(workDirectory)
  const flags = lines.flat().filter((word) => word.startsWith('--'))
  t.ok(flags.length > 10, 'the flags of its processes were seen')
  t.ok(
    flags.includes(
      '--host-resolver-rules=MAP ip4203-0-113-7.nt.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ),
  )
  t.same(
    flags.filter((flag) => WEAKENING.test(flag)),
    [],
  )
  await chromium[Symbol.asyncDispose]()
  t.same(await readdir(workDirectory), [], 'its home is removed')
  t.same(await commandLines(workDirectory), [], 'its processes have ended')
})

test('NT-CLIENT-010 NT-DISC-003 a kept run has a picture of both browsers, and nothing of their homes', async (t) => {
  const report = await runScenario(browser, { transport: 'memory', ca, keep: true, clients: 3 })
  const kept = report.keptIn ?? ''
  t.teardown(() => rm(kept, { recursive: true }))
  for (const { name, problem } of report.verdicts) t.equal(problem, undefined, name)
  const files = await readdir(kept)
  t.same(
    files.filter((name) => name.startsWith('browser-')),
    [],
  )
  for (const host of [BROWSER, STRANGER]) {
    const picture = await readFile(join(kept, `${host}.png`))
    t.same(picture.subarray(0, PNG.length), PNG)
    t.ok(picture.length > 10_000, `${host} shows something`)
  }
  // The page dialled what it heard, not something that it was told.
  const told = report.timeline.filter(({ host }) => host === BROWSER)
  for (const { peerId } of report.hosts.filter(({ name }) => /client[23]/.test(name))) {
    const of = (event: string): number =>
      told.findIndex((entry) => entry.event === event && entry.detail['peer'] === peerId)
    t.ok(of('browser:heard') !== -1 && of('browser:heard') < of('browser:dialled'))
  }
})

test('where no Chromium is found the command says how to get one, with exit code 2', async (t) => {
  const child = spawn(process.execPath, ['scenarios/cli.ts', 'browser', '--transport', 'memory'], {
    env: { ...process.env, CHROMIUM_BIN: '/nonexistent/chromium' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  t.equal(code, 2)
  t.match(said, /^scenario: no browser can be had: CHROMIUM_BIN is "\/nonexistent\/chromium"/)
  t.notMatch(said, /\n\s+at /, 'no stack trace')
})
