import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'tap'
import { makeWorkFolder } from './work-folder.ts'

test('a run removes the folders of runs that were killed, and no others', async (t) => {
  const parent = t.testdir({})
  const folder = await makeWorkFolder({ keep: false, parent })
  const kept = await makeWorkFolder({ keep: true, parent })
  const own = basename(folder)
  const { pid: gone } = spawnSync(process.execPath, ['--version'])
  const killed = own.replace(`-${process.pid}-`, `-${gone}-`)
  const others = [
    own.replace(`-${process.pid}-`, '-1-'),
    killed.replace('nodetrust-run-', 'nodetrust-run-elsewhere-'),
    'nodetrust-Ab12Cd',
  ]
  for (const name of [killed, ...others]) {
    mkdirSync(join(parent, name))
    writeFileSync(join(parent, name, 'pebble.log'), '')
  }
  const next = await makeWorkFolder({ keep: false, parent })
  t.strictSame(
    readdirSync(parent).toSorted(),
    [own, basename(kept), basename(next), ...others].toSorted(),
  )
})
