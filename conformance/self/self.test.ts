import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { parseTarget } from '../suite/read-target.ts'
import { startSelf } from './index.ts'

const { signal } = new AbortController()

test('servers start with a configuration, and their target is one that a stranger could have written', async (t) => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-self-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const marker = join(workDirectory, 'was-loaded')
  const preload = join(workDirectory, 'preload.mjs')
  await writeFile(
    preload,
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(marker)}, '')`,
  )
  const self = await startSelf({ roles: ['dns'], preload: [preload], workDirectory, signal })
  t.teardown(() => self.stop())
  t.same(parseTarget(JSON.stringify(self.target), 'self'), self.target)
  t.match(self.target, { name: 'self', zone: 'nt.example', proof: [], issue: undefined })
  t.ok(self.target.capabilities.includes('dns-writer'))
  await access(marker)
  await self.stop()
  t.same((await readdir(workDirectory)).toSorted(), ['preload.mjs', 'was-loaded'])
})

test('servers that cannot start leave nothing, and their last words are told', async (t) => {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-self-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const preload = join(workDirectory, 'preload.mjs')
  await writeFile(preload, `throw new Error('out of order')`)
  await t.rejects(startSelf({ roles: ['proof'], preload: [preload], workDirectory, signal }), {
    message: /^the servers did not start: exit 1; last lines: .*out of order/s,
  })
  await t.rejects(startSelf({ workDirectory, signal }), { message: /needs a CA/ })
  t.same(await readdir(workDirectory), ['preload.mjs'])
})
