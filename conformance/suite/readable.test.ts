import { test } from 'tap'
import { readable } from './readable.ts'

test('what others wrote is shown without what a terminal or a page would obey', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['NOERROR; AA; "a"\nsecond line', 'NOERROR; AA; "a"\nsecond line'],
    ['\u001b[31mred\u0007', String.raw`\u001b[31mred\u0007`],
    ['\u009b31m\u0000', String.raw`\u009b31m\u0000`],
    ['a\r\u2028\u202eb', String.raw`a\u000d\u2028\u202eb`],
    ['\ud800', String.raw`\ud800`],
    ['größer 例 😀', 'größer 例 😀'],
  ]
  for (const [text, wanted] of rows) t.equal(readable(text), wanted)
  const long = readable('x'.repeat(1_000_000))
  t.equal(long.slice(-30), 'xxxx… and 996000 characters more'.slice(-30))
  t.ok(long.length < 4_100)
})
