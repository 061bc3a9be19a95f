import { html, type Html } from '../../markup/html-text.ts'
import type { Row } from './data.ts'

export interface Geometry {
  /** Which lifeline a host is on. */
  readonly laneOf: readonly number[]
  readonly laneWidth: number
  readonly lineHeight: number
  readonly width: number
}

/** Where a lifeline stands. */
export function laneX(lane: number, { laneWidth }: Geometry): number {
  return Math.round((lane + 0.5) * laneWidth)
}

/** What a line draws over the lifelines: an arrow for a message, a dot for what a host did alone. */
export function marks(rows: readonly Row[], geometry: Geometry): Html {
  const y = geometry.lineHeight / 2
  const drawn = new Set<string>()
  const parts: Html[] = []
  for (const row of rows) {
    const at = (host: number): number => laneX(geometry.laneOf[host] ?? 0, geometry)
    const isMessage = row.from !== undefined && row.to !== undefined
    const [from, to] = isMessage ? [at(row.from), at(row.to)] : [at(row.host), at(row.host)]
    // Of many alike one is drawn.
    const key = `${from} ${to} ${row.bad}`
    if (drawn.has(key)) continue
    drawn.add(key)
    parts.push(from === to ? dot(from, y, row) : arrow({ from, to, y, row }))
  }
  return html`<svg width="${geometry.width}" height="${geometry.lineHeight}" aria-hidden="true">
    ${parts}
  </svg>`
}

function dot(x: number, y: number, row: Row): Html {
  return row.bad === true
    ? html`<path class="bad" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8" />`
    : html`<circle cx="${x}" cy="${y}" r="3.5" />`
}

function arrow(init: {
  readonly from: number
  readonly to: number
  readonly y: number
  readonly row: Row
}): Html {
  const { from, to, y, row } = init
  const head = from < to ? -6 : 6
  return html`<g ${row.bad === true ? html`class="bad"` : undefined}>
    <path d="M${from} ${y}H${to}" /><path d="M${to + head} ${y - 4}L${to} ${y}l${head} 4" />
    <circle cx="${from}" cy="${y}" r="2" />
  </g>`
}
