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
  const event = JSON.stringify({ atMs: 1, host: 'a', event: 'host:started', detail: {} })
  const packet = JSON.stringify({ atMs: 1, packet: { from: 'a', bytes: { length: 3 } } })
  const read = async (text: string): Promise<number> => {
    await writeFile(path, text)
    let events = 0
    for await (const _event of readEvents(path)) events += 1
    return events
  }
  t.equal(await findCut(path), undefined, 'nothing was written')
  const whole = `${event}\n${packet}\n${event}\n`
  t.equal(await read(whole), 2)
  t.equal(await findCut(path), undefined)
  const problem = `"${path}" is cut in line 4: what wrote it was ended`
  for (const text of [event.slice(0, -4), event.slice(0, 10), packet.slice(0, -4), '{']) {
    t.equal(await read(`${whole}${text}`), 2, text)
    t.same(await findCut(path), { line: 4, text, problem })
    await t.rejects(read(`${whole}${text}\n${packet}\n${event}\n`), {
      name: 'UnavailableError',
      message: `"${path}" is no trace: see line 4`,
    })
  }
  const text = packet.slice(0, -1)
  t.equal(await read(`${whole}${text}`), 2)
  t.same(await findCut(path), { line: 4, text, problem }, 'it ends as a whole one would')
})
