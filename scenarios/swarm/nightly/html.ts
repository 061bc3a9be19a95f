// A night as one page: what ran, what failed and how to see it again, what was never met, and the nights before.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentText } from '../../engine/markup/document.ts'
import { html, type Html } from '../../engine/markup/html-text.ts'
import { lengthText } from '../../engine/sequence/page/time.ts'
import type { LaneReport } from '../campaign/tally.ts'
import { countText, numberText } from '../count-text.ts'
import type { SeedDatabase } from './database.ts'
import { failures, known } from './failures-html.ts'
import { lanes, sometimes } from './lanes-html.ts'
import type { NightReport } from './night-report.ts'
import { perSecond } from './rate.ts'
import { trendHtml } from './trend.ts'

/** Problems told at the top; each is told again where it belongs. */
const PROBLEMS_MAX = 8

/** @param pages where the page of a failing seed's run is, by its seed; relative */
export function nightHtml(
  night: NightReport,
  database: SeedDatabase,
  pages: ReadonlyMap<string, string> = new Map(),
): string {
  return documentText({
    title: `Night of ${night.date}: ${night.problems.length === 0 ? 'all is well' : 'not well'}`,
    style: readFileSync(join(import.meta.dirname, 'page', 'style.css'), 'utf8'),
    body: html`<header class="page">
        <h1>Night of ${night.date}</h1>
        <p>
          commit <code>${night.commit}</code>, ${lengthText(night.durationMs)} of a budget of
          ${lengthText(night.budgetMs)}, ${night.machine}
        </p>
      </header>
      <main>
        ${conclusion(night)} ${tiles(night)} ${failures(night, pages)} ${lanes(night)}
        ${sometimes(night)} ${trendHtml(database.nights)} ${known(night, database)}
      </main>
      <footer>
        Seeds follow from the date and the commit, so that this night can be repeated:
        <code class="line">${night.again}</code>
      </footer>`,
  })
}

function conclusion({ problems, exitCode }: NightReport): Html {
  const [tone, words] =
    problems.length === 0 ? ['pass', 'All is well'] : ['fail', 'Not a good night']
  const left = problems.length - PROBLEMS_MAX
  return html`<section class="card conclusion-card ${tone}">
    <p class="conclusion">${words} <small>exit code ${exitCode}</small></p>
    ${
      problems.length === 0
        ? undefined
        : html`<ul>
            ${problems.slice(0, PROBLEMS_MAX).map((problem) => html`<li>${problem}</li>`)}
            ${left > 0 ? html`<li>… and ${left} more</li>` : undefined}
          </ul>`
    }
  </section>`
}

function tiles({ lanes: all, canary, sometimes: names, slow }: NightReport): Html {
  const sum = (of: (lane: LaneReport) => number): number =>
    all.reduce((total, lane) => total + of(lane), 0)
  const seeds = sum((lane) => lane.seeds)
  const failed = seeds - sum(({ classes }) => classes.pass ?? 0)
  const ways = sum((lane) => lane.failures.length)
  const [faults, events] = [sum((lane) => lane.faults), sum((lane) => lane.events)]
  const [main] = all
  const met = names.filter((one) => one.seeds > 0).length
  const again = sum((lane) => lane.again)
  const strays = sum(({ classes }) => classes['non-determinism'] ?? 0)
  return html`<section class="tiles" aria-label="In numbers">
    ${tile(numberText(seeds), seeds === 1 ? 'world' : 'worlds', `${perSecond(main)} in lane "${main?.world}"`)}
    ${tile(numberText(failed), 'failed', countText(ways, 'different way'), failed > 0)}
    ${tile(
      // A number stays with its unit: two lines where one is too long for the card.
      lengthText(sum((lane) => lane.virtualMs)).replaceAll(/(\d) /g, '$1\u00A0'),
      'of virtual time',
      `${countText(faults, 'fault')}, ${countText(events, 'event')}`,
    )}
    ${tile(
      canary.found === undefined ? 'not found' : `seed ${numberText(canary.seeds)}`,
      'canary',
      canary.found === undefined
        ? `${countText(canary.seeds, 'seed')} went by the planted bug`
        : 'found the planted bug',
      canary.found === undefined,
    )}
    ${tile(numberText(again), 'run again', `${numberText(strays)} did something else`, strays > 0)}
    ${tile(
      `${met} of ${names.length}`,
      'sometimes met',
      met === names.length ? 'nothing was left out' : 'see below what never happened',
      met < names.length,
    )}
    ${tile(
      `${slow.filter(({ holds }) => holds).length} of ${slow.length}`,
      'hold in real time',
      'with a real CA and real sockets',
      slow.some(({ holds }) => !holds),
    )}
  </section>`
}

function tile(value: string, name: string, words: string, bad = false): Html {
  return html`<div class="tile ${bad ? 'fail' : ''}">
    <b>${value}</b> <span>${name}</span> <small>${words}</small>
  </div>`
}
