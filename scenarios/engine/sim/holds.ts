import { native } from './native.ts'

/** What a clock waits for: work in real time that must be done before anything else happens. */
export class Holds {
  /** In the order in which they began. */
  readonly #holds = new Map<symbol, string>()
  readonly #msMax: number
  #watchdog: NodeJS.Timeout | undefined
  #released: (() => void) | undefined

  constructor(msMax: number) {
    this.#msMax = msMax
  }

  get size(): number {
    return this.#holds.size
  }

  /** Begins to hold; the returned function ends it, once. */
  add(what: string): () => void {
    const key = Symbol(what)
    this.#holds.set(key, what)
    return () => {
      if (!this.#holds.delete(key) || this.#holds.size > 0) return
      const released = this.#released
      this.forget()
      released?.()
    }
  }

  /** Calls back when nothing holds any more, or says who does when that takes too long. */
  wait({ released, stuck }: { released: () => void; stuck: (error: Error) => void }): void {
    this.#released = released
    // It keeps the process alive meanwhile, too.
    this.#watchdog = native.setTimeout(() => {
      const [what] = this.#holds.values()
      stuck(
        new Error(`the clock stands still for ${this.#msMax} ms of real time, held by "${what}"`),
      )
    }, this.#msMax)
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#released = undefined
    native.clearTimeout(this.#watchdog)
  }
}
