import { html, type Html } from '../../engine/markup/html-text.ts'
import { lengthText } from '../../engine/sequence/page/time.ts'
import { endText, type CampaignEnd, type LaneReport } from '../campaign/tally.ts'
import { countText, numberText } from '../count-text.ts'
import type { NightReport, SlowResult } from './night-report.ts'
import { perSecond } from './rate.ts'

/** What ran, and how it went on. */
export function lanes({ lanes: all, slow, slowLeftOut, canary }: NightReport): Html {
  return html`<section>
    <h2>What ran</h2>
    <div class="sheet">
      <table>
        <thead>
          <tr>
            <th>lane</th>
            <th class="number">seeds</th>
            <th class="number">failed</th>
            <th class="number">seeds/s</th>
            <th class="number">virtual time</th>
            <th class="number">processor a seed</th>
            <th class="number">real time</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(lane)}
          <tr>
            <th>canary ${endHtml(canary.end)}</th>
            <td class="number">${numberText(canary.seeds)}</td>
            <td colspan="5">
              ${
                canary.found === undefined
                  ? html`<b class="fail">its planted bug was not found</b>`
                  : html`its planted bug was found:
                      <code class="line">${canary.found.replay}</code>`
              }
            </td>
          </tr>
          ${slow.map(slowRow)}
          ${
            slowLeftOut === 0
              ? undefined
              : html`<tr>
                  <th>${countText(slowLeftOut, 'more scenario')}</th>
                  <td colspan="6">left out: no time was left for more in real time</td>
                </tr>`
          }
        </tbody>
      </table>
    </div>
  </section>`
}

function lane(one: LaneReport): Html {
  const failed = one.seeds - (one.classes.pass ?? 0)
  const classes = Object.entries(one.classes)
    .filter(([kind]) => kind !== 'pass')
    .map(([kind, count]) => `${count} ${kind}`)
  return html`<tr>
    <th>${one.world} ${endHtml(one.end)}</th>
    <td class="number">${numberText(one.seeds)}</td>
    <td class="number ${failed > 0 ? 'fail' : ''}" title="${classes.join(', ')}">
      ${numberText(failed)}
    </td>
    <td class="number">${perSecond(one)}</td>
    <td class="number">${lengthText(one.virtualMs)}</td>
    <td class="number">${lengthText(one.seeds === 0 ? 0 : one.cpuMs / one.seeds)}</td>
    <td class="number">${lengthText(one.realMs)}</td>
  </tr>`
}

function endHtml(end: CampaignEnd | undefined): Html | undefined {
  if (end === undefined) return undefined
  return html`<small class="end ${end === 'engine' ? 'fail' : ''}">${endText(end)}</small>`
}

function slowRow({ scenario, transport, holds, problems, durationMs, again }: SlowResult): Html {
  return html`<tr>
    <th>${scenario} <small>${transport}, real time</small></th>
    <td colspan="5">
      ${
        holds
          ? html`<span class="pass">✓ holds</span>`
          : html`<b class="fail">✗ ${problems.join('; ')}</b><code class="line">${again}</code>`
      }
    </td>
    <td class="number">${lengthText(durationMs)}</td>
  </tr>`
}

/** What never happened comes first: of it the night has shown nothing. */
export function sometimes({ sometimes: names, lanes: all }: NightReport): Html {
  const seeds = Math.max(
    1,
    all.reduce((sum, one) => sum + one.seeds, 0),
  )
  const never = names.filter((one) => one.seeds === 0)
  const rest = names.filter((one) => one.seeds > 0).toSorted((a, b) => a.seeds - b.seeds)
  return html`<section>
    <h2>
      Sometimes
      <small
        >${never.length === 0 ? 'each was met in at least one world' : `${never.length} never met`}</small
      >
    </h2>
    <ul class="sometimes">
      ${[...never, ...rest].map(
        ({ name, seeds: met }) =>
          html`<li class="${met === 0 ? 'fail' : ''}">
            <span>${name}</span>
            <i style="--share: ${(met / seeds).toFixed(4)}"></i>
            <b>${met === 0 ? 'never' : numberText(met)}</b>
          </li>`,
      )}
    </ul>
  </section>`
}
