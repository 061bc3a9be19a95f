// What played servers do to a client, for cases to choose from.
import type { IssueScript } from '../../players/played-issue.ts'
import type { ProofScript } from '../../players/played-proof.ts'
import { fields, frame, IssueResponse, ProofResponse, type RawStream } from '../../wire/index.ts'

/** Bytes as they are, and the end of the stream. */
export function says(bytes: Uint8Array) {
  return ({ stream }: { readonly stream: RawStream }): void => {
    stream.send(bytes)
    stream.closeWrite()
  }
}

/** The stream ends without a word. */
export const closes = says(new Uint8Array(0))

export function resets({ stream }: { readonly stream: RawStream }): void {
  stream.reset()
}

/** The stream stays open, and nothing comes. */
export function hangs(): void {}

/** An answer that stops in the middle. */
export function cut(message: Uint8Array): Uint8Array {
  return frame(message).subarray(0, -Math.ceil(message.length / 2))
}

/** More than any client may take (NT-WIRE-006): only the length says so, and nothing comes after it. */
export const OVERSIZE = frame(new Uint8Array(16), { length: 64 * 1024 * 1024 })

export function refusesProof(error: number): ProofScript {
  return says(frame(ProofResponse.encode({ error })))
}

export function refusesCertificate(error: number): IssueScript {
  return says(frame(IssueResponse.encode({ error, altnames: [] })))
}

/** A message with a field that nobody knows, as a later version of the protocol may have. */
export function withUnknownField(message: Uint8Array): Uint8Array {
  return Uint8Array.from([...message, ...fields([200, 'of a later version'])])
}
