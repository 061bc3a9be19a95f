import type { WriteStream } from 'node:tty'
import type { Mutant } from './mutant.ts'
import type { Outcome } from './outcome.ts'

const CLEAR_LINE = '\r\u001B[K'
const COLUMNS_DEFAULT = 80

/** One line on a terminal: how many mutants are done, and which are under way. */
export class MutantProgress {
  readonly #stream: WriteStream
  readonly #total: number
  readonly #running = new Set<string>()
  #done = 0
  #killed = 0

  constructor(stream: WriteStream, total: number) {
    this.#stream = stream
    this.#total = total
  }

  started({ id }: Mutant): void {
    this.#running.add(id)
    this.#paint()
  }

  /** Leaves the line empty: the outcome is printed there. */
  ended({ mutant, state }: Outcome): void {
    this.#running.delete(mutant.id)
    this.#done++
    if (state === 'killed') this.#killed++
    this.clear()
    setImmediate(() => this.#paint())
  }

  clear(): void {
    this.#stream.write(CLEAR_LINE)
  }

  #paint(): void {
    if (this.#done === this.#total) return
    const line = `${this.#done}/${this.#total}  ${this.#killed} killed  ${[...this.#running].join(' ')}`
    const columns = this.#stream.columns ?? COLUMNS_DEFAULT
    this.#stream.write(`${CLEAR_LINE}${line.slice(0, columns - 1)}`)
  }
}
