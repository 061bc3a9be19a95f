import { html } from '../../markup/html-text.ts'
import type { SequenceData } from './data.ts'
import { find } from './find.ts'
import { timeText } from './time.ts'

/** All that is known of one event, at the foot of the page. */
export function openDetail(data: SequenceData): { show(index: number): void } {
  const pane = find('.detail')
  let shown = 0
  const show = (index: number): void => {
    const row = data.rows[index]
    if (row === undefined) return
    shown = index
    const name = (host: number | undefined): string =>
      host === undefined ? '' : (data.hosts[host]?.name ?? '')
    const way = row.from === undefined ? '' : `${name(row.from)} → ${name(row.to)}`
    find('.detail .what').innerHTML = html`<p><b>${name(row.host)}</b> ${row.text}</p>
      <p class="faint">
        ${timeText(row.atMs)} · ${data.events[row.event]?.name}${way === '' ? '' : ` · ${way}`}
      </p>
      ${row.detail === '{}' ? undefined : html`<pre>${pretty(row.detail)}</pre>`}`.html
    pane.hidden = false
  }
  const close = (): void => {
    pane.hidden = true
  }
  find('.detail .close').addEventListener('click', close)
  addEventListener('keydown', (event) => {
    if (pane.hidden || event.target instanceof HTMLInputElement) return
    if (event.key === 'Escape') close()
    else if (event.key === 'ArrowRight') show(Math.min(shown + 1, data.rows.length - 1))
    else if (event.key === 'ArrowLeft') show(Math.max(shown - 1, 0))
    else return
    event.preventDefault()
  })
  return { show }
}

/** Details that were cut are no JSON any more. */
function pretty(detail: string): string {
  try {
    return JSON.stringify(JSON.parse(detail), null, 2)
  } catch {
    return `${detail}…`
  }
}
