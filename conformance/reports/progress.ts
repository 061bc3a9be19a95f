import type { WriteStream } from 'node:tty'
import { stripVTControlCharacters, styleText } from 'node:util'
import type { Verdict } from '../suite/case.ts'
import { MARKS } from './tree.ts'

const CLEAR_LINE = '\r\u001B[K'
const COLUMNS_DEFAULT = 80

/** One line on a terminal: how many are done, what they gave, and what is running. */
export class Progress {
  readonly #stream: WriteStream
  readonly #total: number
  readonly #running = new Set<string>()
  readonly #counts = new Map<Verdict, number>()
  #done = 0

  constructor(stream: WriteStream, total: number) {
    this.#stream = stream
    this.#total = total
  }

  started(id: string): void {
    this.#running.add(id)
    this.#paint()
  }

  ended(id: string, verdict: Verdict): void {
    this.#running.delete(id)
    this.#done++
    this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1)
    this.#paint()
  }

  clear(): void {
    this.#stream.write(CLEAR_LINE)
  }

  #paint(): void {
    const counts = [...this.#counts].map(([verdict, count]) =>
      styleText(MARKS[verdict].style, `${MARKS[verdict].mark} ${count}`, { stream: this.#stream }),
    )
    const head = `${this.#done}/${this.#total}  ${counts.join('  ')}  `
    const room = (this.#stream.columns ?? COLUMNS_DEFAULT) - stripVTControlCharacters(head).length
    const running = [...this.#running].join(' ')
    this.#stream.write(`${CLEAR_LINE}${head}${running.slice(0, Math.max(0, room - 1))}`)
  }
}
