/** What the lines that repeat an input are made of. */
interface RunFacts {
  readonly seed: number
  readonly signal: AbortSignal
}

/** What is found while a subject runs. */
export class Findings {
  readonly problems: string[] = []
  readonly notes: string[] = []
  sent = 0
  /** The first input that has not been dealt with. */
  next = 0
  readonly #name: string
  readonly #run: RunFacts

  constructor(name: string, run: RunFacts) {
    this.#name = name
    this.#run = run
  }

  failed(index: number, problem: string): void {
    this.problems.push(`input ${index}: ${problem}; again: ${this.#again(index, index + 1)}`)
  }

  /** The attack could not go on: the servers have died, or it has been told to end. */
  fatal(error: Error, watched: readonly { readonly death: string | undefined }[]): void {
    if (this.#run.signal.aborted) throw error
    const death = watched.find((process) => process.death !== undefined)?.death
    this.problems.push(
      death === undefined
        ? error.message
        : `${death}\nwhile inputs from ${this.next} were under way; again: ${this.#again(this.next, this.next + 500)}`,
    )
  }

  #again(from: number, to: number): string {
    return `npm run abuse -- --seed ${this.#run.seed} --only ${this.#name} --inputs ${from}-${to - 1}`
  }
}
