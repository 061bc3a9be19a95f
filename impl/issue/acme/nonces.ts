/** More than requests can be in flight; a nonce that lies long is one that the CA may have forgotten. */
const NONCES_MAX = 64

/**
 * Anti-replay nonces that the CA gave and nobody used yet (RFC 8555 section 6.5). The newest goes first: after
 * a badNonce that is the one which came with the refusal, whatever else became stale.
 */
export class NoncePool {
  readonly #nonces: string[] = []

  take(): string | undefined {
    return this.#nonces.pop()
  }

  /** Keeps the nonce of a Replay-Nonce header; an invalid one is ignored, as section 6.5.1 asks. */
  put(nonce: string | undefined): void {
    if (nonce === undefined || !/^[A-Za-z0-9_-]{1,512}$/.test(nonce)) return
    this.#nonces.push(nonce)
    if (this.#nonces.length > NONCES_MAX) this.#nonces.shift()
  }
}
