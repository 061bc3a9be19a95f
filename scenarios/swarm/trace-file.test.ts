import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { runOn } from '../engine/sim/host-context.ts'
import { inWorld } from '../engine/sim/install.ts'
import { takeOver } from '../engine/sim/take-over.ts'
import { testHost } from '../engine/sim/testing.ts'
import { findCut, readEvents, writeTrace } from './trace-file.ts'

takeOver()

test('a trace is written to its end, whoever dies over an event of it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-trace-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'trace.jsonl')
  const entry = (atMs: number) => ({ atMs, host: 'mortal', event: 'host:started', detail: {} })
  await inWorld(async () => {
    const trace = writeTrace(path)
    const host = testHost('mortal')
    // No time passes before the file is open.
    await sleep(1)
    runOn(host, () => trace.record(entry(1)))
    host.alive = false
    trace.record(entry(2))
    await trace.close()
  })
  const read: object[] = []
  for await (const event of readEvents(path)) read.push(event)
  t.same(read, [entry(1), entry(2)])
})

test('a trace that cannot be written is an error of its end, and nobody waits for it', async (t) => {
  // A full disk, and a file that cannot even be opened.
  for (const [path, message] of [
    ['/dev/full', /ENOSPC/],
    [tmpdir(), /EISDIR/],
  ] as const) {
    const trace = writeTrace(path)
    trace.record({ atMs: 1 })
    // By then it has failed, as a rule: its end is asked for later.
    await sleep(100)
    await t.rejects(trace.close(), { message })
  }
})

test('what a killed process left of a trace is read, but for the line that it wrote last', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-trace-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'trace.jsonl')
  const line = JSON.stringify({ atMs: 1, host: 'a', event: 'host:started', detail: {} })
  const read = async (text: string): Promise<{ events: number; told: readonly string[] }> => {
    await writeFile(path, text)
    const told: string[] = []
    let events = 0
    for await (const _event of readEvents(path, (problem) => told.push(problem))) events += 1
    return { events, told }
  }
  const whole = `${line}\n${line}\n`
  t.same(await read(whole), { events: 2, told: [] })
  t.equal(await findCut(path), undefined)
  const problem = `"${path}" is cut in line 3: what wrote it was ended`
  t.same(await read(`${whole}${line.slice(0, -4)}`), { events: 2, told: [problem] })
  t.same(await findCut(path), { line: 3, problem })
  await t.rejects(read(`${line}\n${line.slice(0, -4)}\n${line}\n`), {
    name: 'UnavailableError',
    message: `"${path}" is no trace: see line 2`,
  })
})
