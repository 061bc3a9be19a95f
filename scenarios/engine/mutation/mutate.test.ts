import { test } from 'tap'
import { mutate } from './mutate.ts'

test('one text is replaced; one that is not there, or there twice, is stale', async (t) => {
  const mutation = { file: 'a.ts', find: 'x', replace: '$&y' }
  t.equal(mutate('a x b', mutation), 'a $&y b')
  t.throws(() => mutate('a b', mutation), { name: 'StaleMutationError', message: /"x" 0 times/ })
  t.throws(() => mutate('x x x', mutation), { name: 'StaleMutationError', message: /"x" 3 times/ })
})
