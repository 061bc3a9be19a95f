// Which proofs played servers gave to a client, and which of them it passed on.
import { goodProof, type ListedProof, type Play } from '../../client/play.ts'
import type { ProofScript } from '../../players/played-proof.ts'
import { fail, hex } from '../exchange.ts'
import { onlyRequest } from './outcome.ts'

/** Beside a good one, which is last: a client that takes the first answer is seen. */
export const beside = (...bad: readonly ListedProof['script'][]): readonly ListedProof[] => [
  ...bad.map((script) => ({ script })),
  { script: goodProof },
]

/** A right proof for these addresses. */
export function proves(...addresses: readonly string[]): ProofScript {
  return async ({ prove, give }) => give(await prove({ addresses }))
}

/** The proofs that were given, in the order of the servers; of the good one alone, which is last. */
export function givenBy(
  play: Play,
  servers: (index: number) => boolean = () => true,
): Uint8Array[] {
  return play
    .eventsOf('proof')
    .flatMap(({ server, wrapper }) => (wrapper === undefined || !servers(server) ? [] : [wrapper]))
}

/** Fails unless the request holds exactly so many of the proofs that were given. */
export function expectGivenOnly(play: Play, count: number): void {
  const given = new Set(givenBy(play).map(hex))
  const { proofs } = onlyRequest(play)
  const right = proofs.filter((proof) => given.has(hex(proof))).length
  if (right !== count || proofs.length !== count) {
    fail(
      `${count} proofs in the request, as they came`,
      `${proofs.length} proofs, ${right} of them as they came`,
    )
  }
}

/** Fails where the request holds a proof of another server than the last, which is the good one. */
export function expectLeftOut(play: Play, what: string): void {
  const last = play.init.proofs.length - 1
  const bad = new Set(givenBy(play, (server) => server !== last).map(hex))
  if (bad.size === 0) fail('that all proof servers are asked', 'that one was not')
  if (onlyRequest(play).proofs.some((proof) => bad.has(hex(proof)))) {
    fail(`a request without ${what}`, 'a request with it')
  }
}
