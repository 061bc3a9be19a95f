// The page of a run in a real Chromium: 20,000 events stay usable.
import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { openPage } from '../browser/testing.ts'
import { writeStory } from './index.ts'
import { makeStory, makeTimeline } from './testing.ts'

const folder = await mkdtemp(join(tmpdir(), 'nodetrust-sequence-'))
const file = join(folder, 'run.html')

test('a page of 20,000 events opens, draws what is in sight, and filters, folds and shows details', async (t) => {
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const peer = makeStory().hosts[3]?.peerId ?? ''
  const events = Array.from(
    { length: 20_000 },
    (_, index) =>
      (index % 100 === 99
        ? ['client2 proof:failed', { reason: `number ${index} </script><b>` }]
        : ['proof1 proof:signed', { peer, addresses: ['203.0.113.4'] }]) as [string, object],
  )
  events[5] = ['dns1 fault:hang', {}]
  const timeline = makeTimeline(events.map(([words, detail]) => [words, { ...detail }]))
  await writeStory(
    file,
    makeStory({
      timeline,
      holds: false,
      options: { clients: 2, jitterMs: 5 },
      verdicts: [{ name: 'every client has a certificate', problem: 'client2 has none <i>' }],
      durationMs: 20_000_000,
    }),
  )
  const source = await readFile(file, 'utf8')
  t.notMatch(source, /<i>|\b(src|href)="/)
  await using page = await openPage(file, {
    path: process.env['PATH'] ?? '',
    machineEnvironment: process.env,
    signal: AbortSignal.timeout(120_000),
  })
  const { tab } = page
  const lines = tab.locator('.line')
  const count = (): Promise<string> => tab.locator('.filters .shown').innerText()
  t.match(await tab.locator('.verdicts').innerText(), /1 of 1 do not hold[^]*client2 has none <i>/)
  t.match(await tab.locator('.drawn-options').innerText(), /jitterMs\s+5/)
  t.equal(await count(), '20000 of 20000 events, 402 lines')
  t.ok((await lines.count()) < 100, 'only lines in sight are in the document')

  await tab.locator('.line.fold').nth(1).click()
  t.equal(await count(), '20000 of 20000 events, 494 lines', 'one fold is open')
  await tab.getByText('failures only').click()
  t.equal(await count(), '201 of 20000 events', 'failures, and the fault')
  await tab.getByPlaceholder('Search').fill('19999')
  t.match(await lines.allInnerTexts(), [/client2[^]*number 19999 <\/script><b>/])
  await lines.first().click()
  t.match(await tab.locator('.detail').innerText(), /05:33:19[^]*"reason"/)

  await tab.getByPlaceholder('Search').fill('')
  await tab.getByText('failures only').click()
  await tab.locator('.strip').click({ position: { x: 600, y: 10 } })
  await tab.waitForFunction('scrollY > 1000')
  t.ok((await lines.count()) > 5, 'lines are drawn where the page was scrolled to')
  t.same(page.problems, [], 'no errors, and nothing was asked of a network')
})
