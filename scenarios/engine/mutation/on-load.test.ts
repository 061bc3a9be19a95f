import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'tap'
import type { Mutation } from './mutate.ts'
import { preloadUrl, ROOT } from './on-load.ts'

const run = promisify(execFile)
const FILE = 'scenarios/swarm/seed-text.ts'
const PROGRAM = `import { seedsFrom } from ${JSON.stringify(pathToFileURL(join(ROOT, FILE)))}
console.log([...seedsFrom('5', 2)].join(' '))`

async function seedsOf(mutations: readonly Mutation[]): Promise<string> {
  const options = ['--import', preloadUrl(mutations), '--input-type=module']
  const { stdout } = await run(process.execPath, [...options, '--eval', PROGRAM])
  return stdout.trim()
}

test('a process loads a file with all its mistakes, and without their texts not at all', async (t) => {
  const one = { file: FILE, find: 'index = 0n', replace: 'index = 1n' }
  const other = { file: FILE, find: 'BigInt(first) + index', replace: 'BigInt(first) - index' }
  t.equal(await seedsOf([]), '5 6')
  t.equal(await seedsOf([one, other]), '4')
  await t.rejects(seedsOf([{ ...one, find: 'no such text' }]), { message: /StaleMutationError/ })
})
