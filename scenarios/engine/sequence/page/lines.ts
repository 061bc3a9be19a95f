import type { Kind, Row, SequenceData } from './data.ts'

/** A line of the diagram: one thing that happened, or many that happened alike. */
export interface Line {
  readonly first: number
  /** Rows of the data; more than one where they are folded. */
  readonly rows: readonly number[]
}

export interface Filter {
  /** None: all. */
  readonly kinds: ReadonlySet<Kind>
  /** Also what only machines read. */
  readonly everything: boolean
  readonly badOnly: boolean
  /** Each must be found somewhere in the row; lower case. */
  readonly words: readonly string[]
  /** Indices of hosts; none: all. */
  readonly hosts: ReadonlySet<number>
  readonly fold: boolean
}

/** As many alike one after another are folded: of one event, or of a few taking turns. */
const ALIKE_MIN = 4
const TURNS_MIN = 12
const TURNS_EVENTS_MAX = 3

/** The rows that pass the filter, folded where they repeat; `unfolded` holds the first rows of folds that are open. */
export function linesOf(
  data: SequenceData,
  filter: Filter,
  unfolded: ReadonlySet<number>,
): readonly Line[] {
  const shown = [...data.rows.keys()].filter((index) => passes(data, filter, index))
  if (!filter.fold) return shown.map((index) => ({ first: index, rows: [index] }))
  const lines: Line[] = []
  for (let at = 0; at < shown.length;) {
    const length = repeats(data, shown, at)
    const rows = shown.slice(at, at + length)
    const [first = 0] = rows
    if (length > 1 && !unfolded.has(first)) lines.push({ first, rows })
    else for (const index of rows) lines.push({ first: index, rows: [index] })
    at += length
  }
  return lines
}

function passes(data: SequenceData, filter: Filter, index: number): boolean {
  const row = data.rows[index]
  const event = row === undefined ? undefined : data.events[row.event]
  if (row === undefined || event === undefined) return false
  if (row.text === undefined && !filter.everything) return false
  if (filter.badOnly && row.bad !== true && event.kind !== 'faults') return false
  if (filter.kinds.size > 0 && !filter.kinds.has(event.kind)) return false
  const ends = [row.host, row.from, row.to]
  if (filter.hosts.size > 0 && !ends.some((end) => end !== undefined && filter.hosts.has(end))) {
    return false
  }
  if (filter.words.length === 0) return true
  const names = ends.map((end) => (end === undefined ? '' : (data.hosts[end]?.name ?? '')))
  const text = `${names.join(' ')} ${event.name} ${row.text ?? ''} ${row.detail}`.toLowerCase()
  return filter.words.every((word) => text.includes(word))
}

/** How many rows from here on make one fold; 1 for none. */
function repeats(data: SequenceData, shown: readonly number[], at: number): number {
  const events = new Set<number>()
  let alike = 0
  let length = 0
  for (; at + length < shown.length; length++) {
    const row = data.rows[shown[at + length] ?? 0]
    if (row === undefined || standsAlone(data, row)) break
    events.add(row.event)
    if (events.size > TURNS_EVENTS_MAX) break
    if (events.size === 1) alike++
  }
  if (length >= TURNS_MIN) return length
  return alike >= ALIKE_MIN ? alike : 1
}

/** What a reader looks for is never folded away. */
function standsAlone(data: SequenceData, row: Row): boolean {
  return row.bad === true || data.events[row.event]?.kind === 'faults'
}

/** What a fold says: each event with its count. */
export function foldText(data: SequenceData, rows: readonly number[]): string {
  const counts = new Map<string, number>()
  for (const index of rows) {
    const name = data.events[data.rows[index]?.event ?? -1]?.name ?? ''
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ')
}
