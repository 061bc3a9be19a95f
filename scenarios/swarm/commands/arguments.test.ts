import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { fileArgument } from './arguments.ts'

// Root writes whatever the mode says.
const skip = process.getuid?.() === 0

test('a file that cannot be written is refused before anything runs', { skip }, async (t) => {
  const file = join(t.testdir(), 'trace')
  t.equal(fileArgument(file), file)
  await writeFile(file, '')
  t.equal(fileArgument(file), file)
  await chmod(file, 0o444)
  t.throws(() => fileArgument(file), { message: 'it cannot be written.' })
})
