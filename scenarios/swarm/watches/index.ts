import { budgetsAreCounted } from './budgets.ts'
import { calmWorldsHaveNoFailures } from './calm.ts'
import { removalsRemoveOneValue } from './challenges.ts'
import { certificatesAreKept } from './comeback.ts'
import { deniedGetNothing } from './denied.ts'
import { expiredIsOver } from './expiry.ts'
import { nobodyIsBusyWaiting } from './idle.ts'
import { noncesAreUsedOnce, retryAfterIsKept } from './manners.ts'
import { ordersAreMadeOnce } from './orders.ts'
import { proofsAreOfTheirPeer } from './proofs.ts'
import { certificatesAreStored } from './stored.ts'
import { waitsGrowAndAreDrawn } from './waits.ts'
import type { Watch } from './watch.ts'

/** All of them; every swarm world is watched by each. */
export const WATCHES: readonly Watch[] = [
  proofsAreOfTheirPeer,
  noncesAreUsedOnce,
  retryAfterIsKept,
  ordersAreMadeOnce,
  budgetsAreCounted,
  removalsRemoveOneValue,
  certificatesAreStored,
  certificatesAreKept,
  expiredIsOver,
  waitsGrowAndAreDrawn,
  deniedGetNothing,
  nobodyIsBusyWaiting,
  calmWorldsHaveNoFailures,
]
