/**
 * A map that forgets its oldest entry when it is full: whoever asks the CA for that is answered as if it had never been.
 */
export class BoundedMap<Value> extends Map<string, Value> {
  readonly #sizeMax: number

  constructor(sizeMax: number) {
    super()
    this.#sizeMax = sizeMax
  }

  override set(key: string, value: Value): this {
    if (this.size >= this.#sizeMax && !this.has(key)) {
      for (const oldest of this.keys()) {
        this.delete(oldest)
        break
      }
    }
    return super.set(key, value)
  }
}
