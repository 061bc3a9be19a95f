import { execFileSync } from 'node:child_process'
import { stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'tap'
import { z } from 'zod'
import { fileIdentity, makeFolder, readBytes, readText } from './files.ts'
import { checkJson } from './problems.ts'

test('a file is read when it is regular and of a bounded length, with or without a byte order mark', async (t) => {
  const folder = t.testdir({ plain: 'é', marked: '\uFEFF{}', empty: '' })
  const at = (name: string): string => join(folder, name)
  execFileSync('mkfifo', [at('fifo')])
  execFileSync('truncate', ['-s', '65M', at('long')])
  t.equal(await readText(at('plain')), 'é')
  t.equal(await readText(at('marked')), '{}')
  t.equal(await readText(at('empty')), '')
  const rows = [
    ['fifo', /fifo" is no regular file/],
    ['.', /is no regular file/],
    ['/dev/zero', /"\/dev\/zero" is no regular file/],
    ['long', /is larger than 67108864 bytes/],
    ['missing', /missing" does not exist/],
    ['plain/x', /cannot be read \(ENOTDIR\)/],
  ] as const
  for (const [name, message] of rows) {
    const file = name.startsWith('/') ? name : at(name)
    await t.rejects(readText(file), { name: 'UsageError', message }, name)
  }
})

test('standard input has the same bound', async (t) => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1 << 20)
    })(),
  )
  await t.rejects(readBytes(endless, 'standard input'), { message: /^standard input is larger/ })
})

test('folders are made with those above them, and where none can be that is said', async (t) => {
  const folder = t.testdir({ file: '' })
  const deep = join(folder, 'a/b/c')
  await Promise.all([makeFolder(deep, 0o700), makeFolder(deep, 0o700)])
  t.equal((await stat(deep)).mode & 0o777, 0o700)
  await makeFolder(deep)
  await t.rejects(makeFolder(join(folder, 'file')), { code: 'ENOTDIR' })
  await t.rejects(makeFolder(join(folder, 'file/x')), { code: 'ENOTDIR' })
})

test(
  'a folder that is there and takes no other ends the search',
  process.platform === 'linux' ? {} : { skip: 'there is no /proc' },
  async (t) => {
    await t.rejects(makeFolder('/proc/nodetrust/deep'), { code: 'ENOENT' })
  },
)

test('two names of one file are known as such', async (t) => {
  const folder = t.testdir({ one: '1', other: '1' })
  await symlink('one', join(folder, 'link'))
  t.equal(fileIdentity(join(folder, 'link')), fileIdentity(join(folder, 'one')))
  t.not(fileIdentity(join(folder, 'other')), fileIdentity(join(folder, 'one')))
  t.equal(fileIdentity(join(folder, 'x/../new')), fileIdentity(join(folder, 'new')))
})

test('a file of a program has one mistake that says all, and one of a person has each', (t) => {
  const schema = z.strictObject({ kind: z.literal('a'), rows: z.array(z.int()) })
  const check = (madeBy?: string) => () =>
    checkJson('{}', { name: 'x.json', schema, ...(madeBy === undefined ? {} : { madeBy }) })
  t.throws(check(), {
    message:
      'x.json has 2 mistakes\n  kind is missing, wanted "a"\n  rows is missing, wanted array',
  })
  t.throws(check('"make"'), { message: 'x.json is not from "make": kind is missing, wanted "a"' })
  t.end()
})
