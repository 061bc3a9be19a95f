import type { Watch } from './watch.ts'

/** What nobody does in a world in which all is well. */
const FAILURES = new Set([
  'order:failed',
  'order:resumed',
  'certificate:failed',
  'certificate:expired',
  'challenge:failed',
  'proof:failed',
  'proof:refused',
  'request:refused',
  'stream:failed',
  'writer:refused',
  'ca:paused',
  'dns:error',
])

/** Where nothing is done to anybody, nobody fails. */
export const calmWorldsHaveNoFailures: Watch = {
  name: 'nothing fails where nothing is wrong',
  open(_world, { calm }) {
    let over = false
    return ({ host, event, detail }) => {
      // Whoever is stopped cannot finish what it does.
      if (event === 'phase' && detail['name'] === 'end') over = true
      if (!calm || over || !FAILURES.has(event)) return undefined
      return { problem: `${host}: ${event} ${JSON.stringify(detail)}`, hosts: [host] }
    }
  },
}
