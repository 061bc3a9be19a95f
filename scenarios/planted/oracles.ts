// Bugs of what looks for bugs: an invariant that is blind in one way is found by the planted bug that it no longer sees.
import { bugsOf, SEEN } from './bug.ts'

export const ORACLE_BUGS = bugsOf('oracles', [
  {
    id: 'proofs-of-anybody',
    file: 'scenarios/engine/invariants.ts',
    find: 'if (proven.get(peer)?.has(name) !== true) {',
    replace: 'if (proven.size === 0) {',
    breaks: [],
    hides: 'issue/proof-id-not-compared',
    seenBy: [SEEN.proven],
    why: 'is content when anything was proven to anybody',
  },
  {
    id: 'timers-not-counted',
    file: 'scenarios/swarm/leaks.ts',
    find: 'if (left.size > 0) {',
    replace: 'if (left.size > 1_000) {',
    breaks: [],
    hides: 'client/timer-left',
    seenBy: [SEEN.timer],
    why: 'sees no timer that is left',
  },
  {
    id: 'certificates-of-others',
    file: 'scenarios/swarm/eventually.ts',
    find: 'const missing = wanted.find((name) => !certificate.names.includes(name))',
    replace: 'const missing = wanted.slice(0, 1).find((name) => !certificate.names.includes(name))',
    breaks: [],
    hides: 'client/one-family-proven',
    seenBy: [SEEN.certified],
    why: 'looks at the peer id in a certificate, and not at its addresses',
  },
  {
    id: 'nonces-not-kept',
    file: 'scenarios/swarm/watches/manners.ts',
    find: '        used.add(nonce)\n',
    replace: '',
    breaks: [],
    hides: 'issue/nonce-kept-after-use',
    seenBy: [SEEN.nonces],
    why: 'forgets which nonces it has seen',
  },
])
