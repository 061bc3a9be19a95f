// A proof server that the suite plays for a client under test: a good one, or what a case makes of it.
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import {
  frame,
  makeProof,
  ProofResponse,
  PROTOCOLS,
  rawStream,
  type RawStream,
  type Statement,
  type Tap,
} from '../wire/index.ts'
import { openCaller } from './caller.ts'

/** What a script has in its hand when a client asks for a proof. */
export interface ProofAsked {
  readonly stream: RawStream
  readonly connection: Connection
  /** Multihash of the client's peer id. */
  readonly callerId: Uint8Array
  /** The bytes of a ProofWrapper: right, unless the statement is changed. */
  readonly prove: (changed?: Partial<Statement>) => Promise<Uint8Array>
  /** Answers with a proof and keeps it: judges ask which were given. */
  readonly give: (wrapper: Uint8Array) => void
}

/** How a played proof server answers. */
export type ProofScript = (asked: ProofAsked) => Promise<void> | void

export interface PlayedProof {
  /** Multihash of its peer id. */
  readonly id: Uint8Array
  /** Ends in its /p2p. */
  readonly address: string
  close(): Promise<void>
}

/** What all proofs name, unless a script says otherwise: clients and players are on one machine. */
export const PROVEN_ADDRESS = '127.0.0.1'

/** Asked, and what was given. */
export interface ProofGiven {
  readonly callerId: Uint8Array
  readonly wrapper: Uint8Array | undefined
}

export async function openPlayedProof({
  script,
  tap,
  onEvent,
}: {
  readonly script: ProofScript
  readonly tap: (channel: string) => Tap
  readonly onEvent: (event: ProofGiven) => void
}): Promise<PlayedProof> {
  const caller = await openCaller({ listen: [`/ip4/${PROVEN_ADDRESS}/tcp/0`] })
  const handle = async (stream: Stream, connection: Connection): Promise<void> => {
    const channel = `${PROTOCOLS.proof} ${connection.remotePeer.toString()} to ${caller.peerId}`
    const raw = rawStream(stream, connection, tap(channel))
    const callerId = connection.remotePeer.toMultihash().bytes
    onEvent({ callerId, wrapper: undefined })
    await script({
      stream: raw,
      connection,
      callerId,
      prove: (changed = {}) =>
        makeProof(
          { id: callerId, addresses: [PROVEN_ADDRESS], timestamp: Date.now(), ...changed },
          caller.key,
        ),
      give(wrapper) {
        onEvent({ callerId, wrapper })
        raw.send(frame(ProofResponse.encode({ error: 0, proof: wrapper })))
        raw.closeWrite()
      },
    })
  }
  await caller.node.handle(PROTOCOLS.proof, (stream, connection) => {
    // What fails is the stream, which the client may end at any time.
    handle(stream, connection).catch((error: Error) => stream.abort(error))
  })
  const address = caller.node.getMultiaddrs()[0] ?? multiaddr('/p2p-circuit')
  return { id: caller.id, address: address.toString(), close: () => caller.close() }
}
