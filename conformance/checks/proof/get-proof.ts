import type { Connection } from '@libp2p/interface'
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import { errorText, Proof, ProofResponse, ProofWrapper } from '../../wire/index.ts'
import { answer, decoded, fail, open } from '../exchange.ts'

/** A proof in all its layers. */
export interface ReceivedProof {
  /** The ProofWrapper as it came. */
  readonly wrapper: Uint8Array
  /** The Proof as it came, which is what is signed. */
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
  readonly proof: Proof
}

/** Asks a proof server, and reads a proof out of its answer, or fails. */
export async function getProof(
  context: CheckContext,
  init: {
    readonly caller: Caller
    readonly address?: string
    readonly connection?: Connection
    /** Sent before the answer is read: nothing that a caller says counts. */
    readonly noise?: Uint8Array
  },
): Promise<ReceivedProof> {
  const stream = await open(context, { ...init, protocol: 'proof' })
  if (init.noise !== undefined) stream.send(init.noise)
  const message = await answer(context, stream, 'a proof, although the caller says nothing')
  stream.closeWrite()
  return readProof(message)
}

export function readProof(message: Uint8Array): ReceivedProof {
  const response = decoded(() => ProofResponse.decode(message), message, 'a ProofResponse')
  if (response.error !== 0 || response.proof === undefined) {
    const proof = response.proof === undefined ? 'without' : 'with'
    fail(
      'a ProofResponse with error 0 and a proof',
      `error ${errorText(response.error)} ${proof} a proof`,
    )
  }
  const wrapper = response.proof
  const { proof: bytes, signature } = decoded(
    () => ProofWrapper.decode(wrapper),
    wrapper,
    'a ProofWrapper',
  )
  const proof = decoded(() => Proof.decode(bytes), bytes, 'a Proof')
  return { wrapper, bytes, signature, proof }
}

/** The addresses of a proof as people read them. */
export function addressesText({ proof }: ReceivedProof): string {
  const shown = proof.addrs.map(({ type, address }) => `"${address}" of type ${type}`)
  return shown.length === 0 ? 'no address' : shown.join(', ')
}
