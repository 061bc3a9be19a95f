type Method = (...given: never[]) => unknown
type Original = {
  call(self: unknown, ...given: unknown[]): unknown
  apply(self: unknown, given: readonly unknown[]): unknown
}

/** What is replaced of Node, and the way back. */
export class Patches {
  readonly #undo: (() => void)[] = []

  /** Replaces a method; `make` gets what was there. */
  method(holder: object, name: string | symbol, make: (original: Original) => Method): void {
    const found = Object.getOwnPropertyDescriptor(holder, name)
    if (typeof found?.value !== 'function') {
      throw new Error(`Node ${process.version} has no method "${String(name)}" to take over`)
    }
    const replacement = make(found.value as Original)
    Object.defineProperty(replacement, 'name', { value: found.value.name })
    // `util.promisify` finds by symbols what a function's callback gets.
    for (const symbol of Object.getOwnPropertySymbols(found.value)) {
      const property = Object.getOwnPropertyDescriptor(found.value, symbol)
      if (property !== undefined) Object.defineProperty(replacement, symbol, property)
    }
    Object.defineProperty(holder, name, { ...found, value: replacement })
    this.#undo.push(() => Object.defineProperty(holder, name, found))
  }

  /** Adds a property that was not there. */
  property(holder: object, name: string | symbol, value: unknown): void {
    Object.defineProperty(holder, name, { value, configurable: true })
    this.#undo.push(() => Reflect.deleteProperty(holder, name))
  }

  atEnd(work: () => void): void {
    this.#undo.push(work)
  }

  /** Makes Node what it was. */
  undo(): void {
    for (const step of this.#undo.splice(0).toReversed()) step()
  }
}
