import { html, type Html } from '../../markup/html-text.ts'
import { marks, type Geometry } from './arrows.ts'
import type { Row, SequenceData } from './data.ts'
import { find } from './find.ts'
import type { Lane } from './lanes.ts'
import { foldText, type Line } from './lines.ts'
import { placedSpans } from './spans.ts'
import { lengthText, timeText } from './time.ts'

interface Shown {
  readonly lanes: readonly Lane[]
  readonly lines: readonly Line[]
  readonly foldable: ReadonlySet<string>
  readonly openRoles: ReadonlySet<string>
  readonly chosenHosts: ReadonlySet<number>
}

interface Reactions {
  onLine(line: Line): void
  onLane(lane: Lane): void
  onRole(role: string): void
  /** Which times are in sight. */
  onSeen(fromMs: number, toMs: number): void
}

export interface Diagram {
  show(shown: Shown): void
  goTo(atMs: number): void
}

const LINE_HEIGHT = { wide: 26, narrow: 50 }
const NARROW_MAX = 720
const LANE_WIDTH = { min: 11, max: 92 }
/** Of the page's width, for the lifelines. */
const LANES_SHARE = { wide: 0.55, narrow: 0.4 }
/** Lanes from this width on have their names across; others from the bottom up. */
const NAME_WIDTH_MIN = 58
/** Lines drawn above and below what is in sight. */
const MARGIN_LINES = 12
/** A pause is told when it is so long, and so many times longer than the usual one. */
const PAUSE_MS_MIN = 200
const PAUSE_SHARE = 0.04

export function openDiagram(data: SequenceData, reactions: Reactions): Diagram {
  const [heads, list] = [find('.sequence .heads'), find('.sequence .lines')]
  let shown: Shown = {
    lanes: [],
    lines: [],
    foldable: new Set(),
    openRoles: new Set(),
    chosenHosts: new Set(),
  }
  let geometry: Geometry = { laneOf: [], laneWidth: 0, lineHeight: 0, width: 0 }
  let painted = ''

  const layOut = (): void => {
    const width = list.parentElement?.clientWidth ?? innerWidth
    const size = width < NARROW_MAX ? 'narrow' : 'wide'
    const room = Math.floor((width * LANES_SHARE[size]) / Math.max(1, shown.lanes.length))
    const laneWidth = Math.min(LANE_WIDTH.max, Math.max(LANE_WIDTH.min, room))
    const laneOf: number[] = []
    for (const [lane, { hosts }] of shown.lanes.entries())
      for (const host of hosts) laneOf[host] = lane
    geometry = {
      laneOf,
      laneWidth,
      lineHeight: LINE_HEIGHT[size],
      width: laneWidth * shown.lanes.length,
    }
    const section = find('.sequence')
    section.style.setProperty('--lane', `${laneWidth}px`)
    section.style.setProperty('--lanes', `${geometry.width}px`)
    section.style.setProperty('--row', `${geometry.lineHeight}px`)
    // The names stay in sight below the filters, where those do.
    const filters = find('.filters')
    const covered = getComputedStyle(filters).position === 'sticky' ? filters.offsetHeight : 0
    section.style.setProperty('--filters', `${covered}px`)
    section.classList.toggle('upright', laneWidth < NAME_WIDTH_MIN)
    heads.innerHTML = html`<span class="time">time</span
      ><span class="names">${shown.lanes.map((lane) => head(lane, shown))}</span>`.html
    list.style.height = `${shown.lines.length * geometry.lineHeight}px`
    find('.sequence .spans').innerHTML = placedSpans(data, shown.lines, geometry)
      .map(
        ({ x, top, height, span }) =>
          html`<i
            class="${span.healed ? '' : 'open'}"
            style="left: ${x}px; top: ${top}px; height: ${height}px"
            title="${span.kind}, ${span.healed ? lengthText(span.untilMs - span.fromMs) : 'not healed'}"
          ></i>`.html,
      )
      .join('')
    painted = ''
    paint()
  }

  const paint = (): void => {
    const above = -list.getBoundingClientRect().top
    const inSight = (y: number): number => Math.floor((above + y) / geometry.lineHeight)
    const clamp = (index: number): number => Math.min(Math.max(index, 0), shown.lines.length)
    const covered = heads.getBoundingClientRect().bottom
    const [top, bottom] = [clamp(inSight(Math.max(0, covered))), clamp(inSight(innerHeight))]
    const atMs = (line: number): number =>
      data.rows[shown.lines[Math.min(line, shown.lines.length - 1)]?.first ?? 0]?.atMs ?? 0
    reactions.onSeen(atMs(top), atMs(bottom))
    const [first, last] = [clamp(top - MARGIN_LINES), clamp(bottom + MARGIN_LINES)]
    if (painted === `${first} ${last}`) return
    painted = `${first} ${last}`
    find('.sequence .drawn').innerHTML = shown.lines
      .slice(first, last)
      .map((line, index) => lineHtml(line, first + index).html)
      .join('')
  }

  const lineHtml = (line: Line, index: number): Html => {
    const rows = line.rows.flatMap((row): readonly Row[] => {
      const found = data.rows[row]
      return found === undefined ? [] : [found]
    })
    const [row] = rows
    if (row === undefined) return html``
    const before = data.rows[shown.lines[index - 1]?.rows.at(-1) ?? -1]
    const pauseMs = before === undefined ? 0 : row.atMs - before.atMs
    const told = pauseMs > PAUSE_MS_MIN && pauseMs > data.durationMs * PAUSE_SHARE
    const kind = data.events[row.event]?.kind ?? 'other'
    const fold = rows.length > 1
    const classes = ['line', kind, ...(fold ? ['fold'] : []), ...(row.bad ? ['wrong'] : [])]
    const words = fold
      ? html`<b>${rows.length} events</b> ${foldText(data, line.rows)}`
      : html`<b>${data.hosts[row.host]?.name}</b>
          ${row.text ?? html`<code>${data.events[row.event]?.name}</code> ${row.detail === '{}' ? '' : row.detail}`}`
    return html`<button
      type="button"
      class="${classes.join(' ')}"
      data-line="${index}"
      style="top: ${index * geometry.lineHeight}px"
    >
      ${told ? html`<i class="pause">+ ${lengthText(pauseMs)}</i>` : undefined}<span class="time"
        >${timeText(row.atMs)}</span
      >${marks(rows, geometry)}<span class="words">${words}</span>
    </button>`
  }

  list.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-line]') : null
    const line = shown.lines[Number(button?.dataset['line'] ?? -1)]
    if (line !== undefined) reactions.onLine(line)
  })
  heads.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>('button') : null
    const { lane, role } = button?.dataset ?? {}
    if (role !== undefined) return reactions.onRole(role)
    const found = shown.lanes[Number(lane ?? -1)]
    if (found !== undefined) reactions.onLane(found)
  })
  let waiting = false
  addEventListener('scroll', () => {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      paint()
    })
  })
  addEventListener('resize', layOut)

  return {
    show(next) {
      shown = next
      layOut()
    },
    goTo(atMs) {
      const at = shown.lines.findIndex(({ first }) => (data.rows[first]?.atMs ?? 0) >= atMs)
      const line = at === -1 ? shown.lines.length - 1 : at
      const top = scrollY + list.getBoundingClientRect().top + line * geometry.lineHeight
      scrollTo({ top: top - heads.getBoundingClientRect().height - 60 })
    },
  }
}

function head(lane: Lane, { lanes, foldable, openRoles, chosenHosts }: Shown): Html {
  const chosen = lane.hosts.some((host) => chosenHosts.has(host))
  const folded = lane.hosts.length > 1
  const opens =
    foldable.has(lane.role) && (folded || lanes.find(({ role }) => role === lane.role) === lane)
  return html`<span class="name ${lane.role}">
    <button
      type="button"
      data-lane="${lanes.indexOf(lane)}"
      aria-pressed="${String(chosen)}"
      title="only what concerns ${lane.name}"
    >
      ${lane.name}</button
    >${
      opens
        ? html`<button
            type="button"
            class="opener"
            data-role="${lane.role}"
            title="${openRoles.has(lane.role) ? 'one lifeline for all' : 'a lifeline for each'}"
          >
            ${openRoles.has(lane.role) ? '–' : '+'}
          </button>`
        : undefined
    }
  </span>`
}
