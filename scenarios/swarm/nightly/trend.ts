import { html, type Html } from '../../engine/markup/html-text.ts'
import { lengthText } from '../../engine/sequence/page/time.ts'
import { countText, numberText } from '../count-text.ts'
import type { NightRecord } from './database.ts'

/** Nights drawn; the database remembers more. */
const NIGHTS_DRAWN_MAX = 60
/** Nights told in words. */
const NIGHTS_TOLD_MAX = 14
const HEIGHT = 60

/** How many worlds each night ran and how many failed, from left to right. */
export function trendHtml(nights: readonly NightRecord[]): Html {
  const drawn = nights.slice(0, NIGHTS_DRAWN_MAX).toReversed()
  const most = Math.max(1, ...drawn.map(({ seeds }) => seeds))
  const width = Math.max(20, drawn.length)
  return html`<section>
    <h2>Trend <small>${countText(nights.length, 'night')}</small></h2>
    <div class="card">
      <svg class="trend" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img">
        <title>Worlds of each night; those with problems are red</title>
        ${drawn.map((night, index) => bar(night, { x: width - drawn.length + index, most }))}
      </svg>
      <p class="axis">
        <span>${drawn[0]?.date}</span><span>up to ${countText(most, 'world')}</span
        ><span>${drawn.at(-1)?.date}</span>
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>night</th>
              <th>commit</th>
              <th class="number">worlds</th>
              <th class="number">failed</th>
              <th class="number">virtual time</th>
              <th class="number">canary after</th>
              <th class="number">never met</th>
            </tr>
          </thead>
          <tbody>
            ${nights.slice(0, NIGHTS_TOLD_MAX).map(row)}
          </tbody>
        </table>
      </div>
    </div>
  </section>`
}

function bar(
  { seeds, problems, date }: NightRecord,
  { x, most }: { readonly x: number; readonly most: number },
): Html {
  const height = Math.max(1, (HEIGHT * seeds) / most)
  return html`<rect
    class="${problems === 0 ? 'pass' : 'fail'}"
    x="${x + 0.1}"
    y="${(HEIGHT - height).toFixed(2)}"
    width="0.8"
    height="${height.toFixed(2)}"
  >
    <title>${date}: ${countText(seeds, 'world')}, ${countText(problems, 'problem')}</title>
  </rect>`
}

function row(night: NightRecord): Html {
  return html`<tr>
    <th class="${night.problems === 0 ? 'pass' : 'fail'}">
      ${night.problems === 0 ? '✓' : '✗'} ${night.date}
    </th>
    <td><code>${night.commit}</code></td>
    <td class="number">${numberText(night.seeds)}</td>
    <td class="number ${night.failed > 0 ? 'fail' : ''}">${night.failed}</td>
    <td class="number">${lengthText(night.virtualMs)}</td>
    <td class="number ${night.canarySeeds === null ? 'fail' : ''}">
      ${night.canarySeeds === null ? 'not found' : countText(night.canarySeeds, 'seed')}
    </td>
    <td class="number ${night.neverMet > 0 ? 'fail' : ''}">${night.neverMet}</td>
  </tr>`
}
