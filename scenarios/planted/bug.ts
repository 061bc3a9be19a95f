import type { Mutation } from '../engine/mutation/mutate.ts'

/** A bug as somebody could have written it: one text of one file, replaced when a process loads it. */
export interface PlantedBug extends Mutation {
  /** Area and slug, such as `client/reset-taken-for-an-answer`. */
  readonly id: string
  /** Requirements that it breaks. */
  readonly breaks: readonly string[]
  /** Invariants of which one at least sees it, by their names. */
  readonly seenBy: readonly string[]
  /** What is wrong with it. */
  readonly why: string
  /**
   * The id of another bug: this one makes the engine blind to it. It is found when that bug, planted too, is no longer
   * seen by the invariant that saw it: then somebody who looks at the table of planted bugs misses a row.
   */
  readonly hides?: string
}

/** Bugs of one area, as their files list them. */
export function bugsOf(area: string, bugs: readonly PlantedBug[]): readonly PlantedBug[] {
  return bugs.map((bug) => ({ ...bug, id: `${area}/${bug.id}` }))
}

/** What the swarm looks at, for bugs to name: a name that changes there is changed here. */
export const SEEN = {
  certified: 'every client has a certificate for its id and its addresses',
  renewed: 'every certificate of minutes is renewed in time',
  answers: 'every announced address answers TLS with a certificate for its name',
  proven: 'no certificate names an address that was not proven to its peer',
  attacker: 'no attacker gets a certificate',
  challengesGo: 'no DNS server has a challenge left',
  leftOpen: 'nobody is left waiting on a stream or a connection',
  socket: 'no socket is left open',
  timer: 'no timer is left',
  lives: 'no host ends by itself',
  proofs: 'no honest proof names an address that its peer never had',
  nonces: 'no request to the CA has the nonce of another',
  retryAfter: 'nobody comes back to the CA before it was told to',
  orders: 'no order is made where there is one',
  budgets: 'what the CA limits is counted once',
  challenges: 'a DNS server answers the challenges that it was given and no others',
  stored: 'a certificate is on the disk of its client, with its key',
  kept: 'a client that comes back has its certificate',
  expired: 'no certificate is announced or served after its end',
  waits: 'waits after failures grow, and are drawn',
  idle: 'nobody is busy with waiting',
  denied: 'nobody gets anything from who denies them',
  calm: 'nothing fails where nothing is wrong',
} as const
