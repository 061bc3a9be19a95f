/** Something that is due at a time; of two at the same time, the one with the smaller sequence is first. */
export interface Due {
  atMs: number
  sequence: number
  /** Where it is in the heap; {@link NOWHERE} when it is in none. */
  index: number
}

export const NOWHERE = -1

/**
 * A binary heap of what is due. Each entry knows its place, so that one that is cancelled or put off leaves nothing
 * behind: most timers of a network are deadlines that never come.
 */
export class EventHeap<T extends Due> {
  readonly #entries: T[] = []

  get size(): number {
    return this.#entries.length
  }

  /** All of it, in no order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#entries[Symbol.iterator]()
  }

  /** What is due first. */
  get first(): T | undefined {
    return this.#entries[0]
  }

  add(entry: T): void {
    this.#entries.push(entry)
    this.#rise(entry, this.#entries.length - 1)
  }

  remove(entry: T): void {
    const entries = this.#entries
    const { index } = entry
    if (index === NOWHERE) return
    const last = entries.pop()
    entry.index = NOWHERE
    if (last === undefined || last === entry) return
    this.#rise(last, index)
    if (last.index === index) this.#sink(last, index)
  }

  #rise(entry: T, from: number): void {
    const entries = this.#entries
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = entries[parentIndex]
      if (parent === undefined || isBefore(parent, entry)) break
      entries[index] = parent
      parent.index = index
      index = parentIndex
    }
    entries[index] = entry
    entry.index = index
  }

  #sink(entry: T, from: number): void {
    const entries = this.#entries
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      let child = entries[childIndex]
      if (child === undefined) break
      const sibling = entries[childIndex + 1]
      if (sibling !== undefined && isBefore(sibling, child)) {
        child = sibling
        childIndex += 1
      }
      if (isBefore(entry, child)) break
      entries[index] = child
      child.index = index
      index = childIndex
    }
    entries[index] = entry
    entry.index = index
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.sequence < other.sequence)
}
