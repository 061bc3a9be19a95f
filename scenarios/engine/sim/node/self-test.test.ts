// Node's network modules on virtual hosts: what the self-test asks of this Node, it has.
import { test } from 'tap'

await import('../register.ts')
const { networkChecks } = await import('./self-test.ts')
const { prototypes } = await import('./internals.ts')
const { selfTest } = await import('../self-test.ts')

for (const { name, check } of networkChecks()) {
  test(name, async (t) => {
    await check()
    t.pass()
  })
}

test('a Node that lacks what is taken over is told of by name', async (t) => {
  const { channel } = prototypes
  const own = channel['queryTxt']
  Reflect.deleteProperty(channel, 'queryTxt')
  t.teardown(() => {
    channel['queryTxt'] = own
  })
  const [problem] = await selfTest(networkChecks().slice(0, 1))
  t.match(problem, /^node:net .*: Node v\d+.* has no method "queryTxt"/)
})
