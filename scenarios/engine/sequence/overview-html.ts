import { html, type Html } from '../markup/html-text.ts'
import type { SequenceData } from './page/data.ts'
import { lengthText, timeText } from './page/time.ts'

/** Of the strip, in which events are counted. */
const BARS = 160
const TICKS = 5

/** The whole run at a glance, true to time: how much happened when, and from when to when each fault held. */
export function overviewHtml({ rows, spans, hosts, durationMs }: SequenceData): Html {
  const total = Math.max(1, durationMs)
  const counts = Array.from({ length: BARS }, () => 0)
  for (const { atMs } of rows) {
    const bar = Math.min(BARS - 1, Math.floor((atMs / total) * BARS))
    counts[bar] = (counts[bar] ?? 0) + 1
  }
  const most = Math.max(1, ...counts)
  const share = (ms: number): string => ((100 * ms) / total).toFixed(2)
  const ticks = Array.from({ length: TICKS }, (_, index) => (total * index) / (TICKS - 1))
  return html`<section class="overview" aria-label="The whole run">
    <span></span>
    <div class="strip">
      <svg viewBox="0 0 ${BARS} 20" preserveAspectRatio="none" aria-hidden="true">
        ${counts.map((count, index) => bar(index, (20 * Math.sqrt(count)) / Math.sqrt(most)))}
      </svg>
      <i class="seen" hidden></i>
    </div>
    ${[...Map.groupBy(spans, ({ host }) => host)].map(
      ([host, all]) =>
        html`<span class="name">${hosts[host]?.name}</span>
          <div class="faults">
            ${all.map(
              ({ kind, fromMs, untilMs, healed }) =>
                html`<button
                  type="button"
                  class="${healed ? 'healed' : 'open'}"
                  style="left: ${share(fromMs)}%; width: ${share(untilMs - fromMs)}%"
                  data-from-ms="${fromMs}"
                  title="${kind} at ${timeText(fromMs)}, ${healed ? `healed after ${lengthText(untilMs - fromMs)}` : 'not healed'}"
                >
                  ${kind}
                </button>`,
            )}
          </div>`,
    )}
    <span></span>
    <div class="ticks">${ticks.map((ms) => html`<span>${timeText(ms)}</span>`)}</div>
  </section>`
}

function bar(index: number, height: number): Html {
  return html`<rect x="${index}" y="${20 - height}" width="0.8" height="${height}" />`
}
