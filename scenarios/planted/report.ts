import type { Hunt } from './hunt.ts'

/** The table of planted bugs: how strong the swarm is. */
export interface PlantedReport {
  readonly bugs: number
  readonly found: number
  /** Of those that were found, the number of seeds that half of them took at most. */
  readonly medianSeeds: number | undefined
  readonly rows: readonly PlantedRow[]
  readonly realMs: number
}

export interface PlantedRow extends Omit<Hunt, 'bug'> {
  readonly id: string
  readonly breaks: readonly string[]
  readonly why: string
}

export function toReport(hunts: readonly Hunt[], realMs: number): PlantedReport {
  const found = hunts.filter(({ state }) => state === 'found')
  const seeds = found.map((hunt) => hunt.seeds).toSorted((one, other) => one - other)
  return {
    bugs: hunts.length,
    found: found.length,
    medianSeeds: seeds[Math.floor((hunts.length - 1) / 2)],
    rows: hunts.map(toRow),
    realMs,
  }
}

function toRow({ bug, ...hunt }: Hunt): PlantedRow {
  const { id, breaks, why } = bug
  return { id, breaks, why, ...hunt }
}

/** Whether all were found. */
export function isGood({ bugs, found }: PlantedReport): boolean {
  return bugs === found
}

const ID_WIDTH = 38

/** A line for one bug. */
export function rowText(hunt: Hunt): string {
  const { id, state, seeds, failure, shrunk, breaks, reason } = toRow(hunt)
  const size =
    shrunk === undefined
      ? ''
      : `${shrunk.hosts} hosts, ${shrunk.faults} faults in ${shrunk.runs} runs`
  return [
    state.padEnd(8),
    id.padEnd(ID_WIDTH),
    `${seeds}`.padStart(5),
    failure?.invariant ?? reason ?? '',
    ...(size === '' ? [] : [size]),
    breaks.join(' '),
  ].join('  ')
}

export function reportText({ bugs, found, medianSeeds, rows, realMs }: PlantedReport): string {
  const missed = rows.filter(({ state }) => state !== 'found').map(({ id }) => id)
  const half = medianSeeds === undefined ? '' : `, half of all within ${medianSeeds} seeds`
  const minutes = (realMs / 60_000).toFixed(1)
  const left = missed.length === 0 ? '' : `not found: ${missed.join(', ')}\n`
  return `\n${found} of ${bugs} planted bugs found${half}, in ${minutes} min\n${left}`
}
