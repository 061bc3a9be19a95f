import { test } from 'tap'
import { readable, readableLine, withoutC1 } from './readable.ts'

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

test('one line stays one, and JSON without C1 is the same JSON', async (t) => {
  t.equal(
    readableLine('agent\nconnected as me\u001b'),
    String.raw`agent\u000aconnected as me\u001b`,
  )
  const value = { 'a\u0080': 'x\u009f\u007fy\u0007é' }
  const text = withoutC1(JSON.stringify(value))
  t.notMatch(text, /[\u007f-\u009f]/)
  t.same(JSON.parse(text), value)
})
