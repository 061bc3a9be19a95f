// Clients of a line or two, in place of those that people would check: what the suite makes of each.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { CASES } from '../checks/client/index.ts'
import { clientCase } from '../checks/client/define.ts'
import { expectCertificate, expectFailure } from '../checks/client/outcome.ts'
import type { Case } from '../suite/case.ts'
import { runAll, TARGET } from '../suite/testing.ts'
import { startClient } from './client-process.ts'
import { nonCompliance } from './compliance.ts'
import { KEPT_BYTES_MAX } from './kept-output.ts'

const { signal } = new AbortController()

/** An environment in which the shell and node are found, and nothing else is told. */
const environment = { PATH: process.env['PATH'] }

async function makeFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-client-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A case of which only the outcome counts. */
function obtaining(wanted: 'certificate' | 'failure'): Case {
  return clientCase({
    id: 'NT-CLIENT-008/test',
    title: 'as a test wants it',
    play: { timeoutSeconds: 1 },
    async judge(play, context) {
      await (wanted === 'certificate' ? expectCertificate : expectFailure)(play, context, 'so far')
    },
  })
}

async function verdictOf(t: Test, exec: string, one: Case) {
  const folder = await makeFolder(t)
  const [result] = await runAll([one], {
    target: { ...TARGET, client: { exec, folder, environment } },
  })
  return { ...result, folder }
}

test('a client has to exit with 127 for a test case that it does not know', async (t) => {
  const client = { folder: await makeFolder(t), environment }
  t.equal(await nonCompliance({ ...client, exec: 'exit 127' }, signal), undefined)
  const onlyOurs = 'case $NT_TESTCASE in obtain) exit 0;; *) exit 127;; esac'
  t.equal(await nonCompliance({ ...client, exec: onlyOurs }, signal), undefined)
  for (const [exec, how] of [
    ['exit 0', 'exit 0'],
    ['echo confused >&2; exit 1', 'exit 1; it said: confused'],
    ['kill -9 $$', 'killed by SIGKILL'],
  ] as const) {
    const reason = await nonCompliance({ ...client, exec }, signal)
    t.match(
      reason,
      /has to exit with 127 for a test case that it does not know \(NT_TESTCASE=no-such-case-[0-9a-f]{8}\)/,
    )
    t.ok(reason?.includes(how), `${exec}: ${reason}`)
  }
})

test('a client that exits with 127 does not support the test case, and its last words are told', async (t) => {
  const found = await verdictOf(
    t,
    'echo none of my business >&2; exit 127',
    obtaining('certificate'),
  )
  t.match(found, {
    verdict: 'unsupported',
    reason: /exits with 127 for the test case "obtain": none of my business/,
  })
})

test('a client that says that it has a certificate and wrote none has failed', async (t) => {
  const found = await verdictOf(t, 'exit 0', obtaining('certificate'))
  t.match(found, { verdict: 'fail', actual: /^none: exit 0/ })
})

test('a client that wrote what is no certificate, or no key beside it, has failed', async (t) => {
  const found = await verdictOf(
    t,
    'echo one > $NT_OUT_DIR/certificate.pem',
    obtaining('certificate'),
  )
  t.match(found, { verdict: 'fail', actual: /^a file that is none/ })
})

test(
  'a client that wrote what has no end, or cannot be opened, has failed, and the suite goes on',
  process.platform === 'win32' ? { skip: 'there are no FIFOs' } : {},
  async (t) => {
    for (const [make, actual] of [
      ['mkfifo', /^a folder, a pipe/],
      ['mkdir', /^a folder, a pipe/],
      ['ln -s /dev/zero', /^a folder, a pipe/],
      ['truncate -s 300M', /^a longer one$/],
      ['ln -s error.txt', /^what cannot be read \(ELOOP\)$/],
    ] as const) {
      const found = await verdictOf(
        t,
        `${make} $NT_OUT_DIR/error.txt; exit 1`,
        obtaining('failure'),
      )
      t.match(found, { verdict: 'fail', expected: /^a regular file error\.txt/, actual }, make)
    }
  },
)

test('a client that should fail has failed only if it says so and keeps nothing', async (t) => {
  t.match(await verdictOf(t, 'exit 1', obtaining('failure')), { verdict: 'pass' })
  t.match(await verdictOf(t, 'exit 0', obtaining('failure')), {
    verdict: 'fail',
    actual: /no certificate, and exit 0/,
  })
  const keeps = 'echo one > $NT_OUT_DIR/certificate.pem; exit 1'
  t.match(await verdictOf(t, keeps, obtaining('failure')), {
    verdict: 'fail',
    actual: /that it wrote certificate.pem/,
  })
  t.match(await verdictOf(t, 'kill -9 $$', obtaining('failure')), {
    verdict: 'fail',
    actual: /killed by SIGKILL/,
  })
})

test('a client that exits with 1 whatever happens passes no check of what it should have sent', async (t) => {
  const refusal = CASES.find(({ id }) => id === 'NT-CLIENT-007/other')
  t.ok(refusal)
  if (refusal === undefined) return
  t.match(await verdictOf(t, 'exit 1', refusal), {
    verdict: 'fail',
    expected: 'a request to the issue server',
    actual: 'none',
  })
})

test('a client that hangs is ended with all that it has started, and no verdict is made up', async (t) => {
  const folder = await makeFolder(t)
  const [result] = await runAll([obtaining('failure')], {
    timeoutMs: 2_000,
    target: {
      ...TARGET,
      client: {
        exec: `sleep 600 & echo $! > ${folder}/pid; trap '' TERM; wait`,
        folder,
        environment,
      },
    },
  })
  t.match(result, { verdict: 'inconclusive' })
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
  // Whoever has taken in the orphan may need a moment to bury it.
  for (let looks = 0; looks < 100 && isAlive(pid); looks++) await delay(20)
  t.notOk(isAlive(pid))
})

test('what a client printed and wrote is kept, and replaced by the next run', async (t) => {
  const exec = 'echo heard; echo felt >&2; env | grep ^NT_ > $NT_OUT_DIR/told; exit 1'
  const { folder } = await verdictOf(t, exec, obtaining('failure'))
  const read = (name: string): Promise<string> =>
    readFile(join(folder, 'NT-CLIENT-008-test', name), 'utf8')
  t.equal(await read('stdout.txt'), 'heard\n')
  t.equal(await read('stderr.txt'), 'felt\n')
  const told = await read('out/told')
  t.match(told, /^NT_TESTCASE=obtain$/m)
  t.match(told, /^NT_ISSUE_ADDR=\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3Koo\w+$/m)
  t.match(told, /^NT_LISTEN=\/ip4\/127\.0\.0\.1\/tcp\/\d+$/m)
  t.match(await read('ca.pem'), /BEGIN CERTIFICATE/)
  const again = { ...TARGET, client: { exec: 'exit 1', folder, environment } }
  await runAll([obtaining('failure')], { target: again })
  t.notOk(existsSync(join(folder, 'NT-CLIENT-008-test/out/told')))
  t.equal(await read('stdout.txt'), '')
})

test('a client that is asked to stop has time to, also behind a shell that does not wait', async (t) => {
  const folder = await makeFolder(t)
  const stopping = `node -e "process.once('SIGTERM', () => setTimeout(() => { console.log('clean'); process.exit() }, 200)); setInterval(() => {}, 1000); console.log('ready')"; true`
  const client = await startClient({ exec: stopping, folder, environment })
  t.teardown(() => client.kill())
  while (!client.lastWords().includes('ready')) await delay(20)
  client.terminate()
  await client.exited
  t.match(client.lastWords(), /clean/)
})

test('of what a client prints a bounded part is kept, and it goes on', async (t) => {
  const folder = await makeFolder(t)
  const exec = `head -c 3000000 /dev/zero | tr '\\0' x; echo the end; echo told > /dev/stderr; exit 3`
  const client = await startClient({ exec, folder, environment })
  t.same(await client.exited, { code: 3 })
  const kept = await readFile(join(folder, 'stdout.txt'), 'utf8')
  t.equal(kept.slice(0, KEPT_BYTES_MAX), 'x'.repeat(KEPT_BYTES_MAX))
  t.equal(
    kept.slice(KEPT_BYTES_MAX),
    `\n[the suite keeps ${KEPT_BYTES_MAX} bytes; ${3_000_008 - KEPT_BYTES_MAX} more were printed]\n`,
  )
  t.equal(await readFile(join(folder, 'stderr.txt'), 'utf8'), 'told\n')
  t.match(client.lastWords(), /xthe end\ntold$/)
  t.same((await readdir(folder)).toSorted(), ['stderr.txt', 'stdout.txt'])
})

test(
  'what a client has started in a session of its own ends with it, by itself or not',
  process.platform === 'linux' ? {} : { skip: 'processes are found by /proc' },
  async (t) => {
    for (const ending of ['exit 0', 'sleep 600']) {
      const folder = await makeFolder(t)
      const daemon = `setsid sh -c 'echo $$ > ${folder}/pid; exec sleep 600'`
      const exec = `${daemon} & until [ -s ${folder}/pid ]; do sleep 0.05; done; echo ready; ${ending}`
      const client = await startClient({ exec, folder, environment })
      while (!client.lastWords().includes('ready')) await delay(20)
      await client.kill()
      const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
      for (let looks = 0; looks < 100 && isAlive(pid); looks++) await delay(20)
      t.notOk(isAlive(pid), ending)
    }
  },
)

const CLI = join(import.meta.dirname, '../cli.ts')

function conformance(folder: string, words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'client', ...words], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('the command ends with 1 for a client that is not compliant, 2 for one that is not there, and 3 for one that supports nothing', async (t) => {
  const folder = await makeFolder(t)
  t.match(conformance(folder, ['--exec', 'exit 0', 'NT-CLIENT-007']), {
    status: 1,
    stdout: '',
    stderr: /the client has to exit with 127 .*: exit 0\n$/,
  })
  const missing = conformance(folder, ['--exec', './no-such-client', 'NT-CLIENT-007/other'])
  t.match(missing, {
    status: 2,
    stderr: /the client cannot be started: .*no-such-client: not found/,
  })
  const nothing = conformance(folder, ['--exec', 'echo not yet; exit 127', 'NT-CLIENT-007/other'])
  t.match(nothing, { status: 3, stdout: /for the test case "obtain": .*not yet/ })
  const plan = conformance(folder, ['--exec', 'exit 0', '--dry-run', 'NT-CLIENT-007'])
  t.match(plan, {
    status: 0,
    stdout: /^NT-CLIENT-007\/rate-limit  MUST$.*^7 checks would run, 0 would not apply$/ms,
  })
  t.match(conformance(folder, []), { status: 2, stderr: /required option '--exec <line>'/ })
})

test('the command judges a client by a report, and keeps what it wrote', async (t) => {
  const folder = await makeFolder(t)
  const exec = 'case $NT_TESTCASE in obtain) echo tried; exit 1;; *) exit 127;; esac'
  const words = ['--exec', exec, '--name', 'shell', '--json', 'NT-CLIENT-007/other', 'NT-DISC-001']
  const { status, stdout } = conformance(folder, words)
  t.equal(status, 1)
  const verdicts = JSON.parse(stdout).results.map(
    ({ id, verdict }: { readonly id: string; readonly verdict: string }) => `${id} ${verdict}`,
  )
  t.same(verdicts.toSorted(), [
    'NT-CLIENT-007/other fail',
    'NT-DISC-001/no-length unsupported',
    'NT-DISC-001/reads-no-length unsupported',
  ])
  const run = join(folder, 'conformance-results/shell/runs/NT-CLIENT-007-other')
  t.equal(await readFile(join(run, 'stdout.txt'), 'utf8'), 'tried\n')
})
