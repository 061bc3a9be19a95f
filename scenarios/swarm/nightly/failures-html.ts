import { html, type Html } from '../../engine/markup/html-text.ts'
import { lengthText } from '../../engine/sequence/page/time.ts'
import type { FailureGroup } from '../campaign/tally.ts'
import { countText, numberText } from '../count-text.ts'
import type { SeedResult } from '../result.ts'
import type { SeedDatabase } from './database.ts'
import type { NightReport } from './night-report.ts'

/** What failed, each with the line that shows it again. */
export function failures({ lanes: all }: NightReport, pages: ReadonlyMap<string, string>): Html {
  const groups = all.flatMap((lane) => lane.failures)
  if (groups.length === 0)
    return html`<section>
      <h2>Failures</h2>
      <p class="none">None.</p>
    </section>`
  return html`<section>
    <h2>Failures <small>${groups.length} different</small></h2>
    ${groups.map((group) => failure(group, pages))}
  </section>`
}

function failure(
  { signature, count, fastest }: FailureGroup,
  pages: ReadonlyMap<string, string>,
): Html {
  const page = pages.get(fastest[0]?.seed ?? '')
  const [first, ...others] = fastest
  if (first === undefined) return html``
  return html`<article class="card failure fail" id="${signature}">
    <h3>
      <span class="class">${first.class}</span> ${first.failure?.invariant ?? signature}
      <small>${countText(count, 'seed')} of "${first.world}"</small>
    </h3>
    <pre class="problem">${first.failure?.problem}</pre>
    ${seed(first)}
    ${page === undefined ? undefined : html`<p><a href="${page}">What happened, as a sequence diagram</a></p>`}
    ${
      others.length === 0
        ? undefined
        : html`<details>
            <summary>${countText(others.length, 'more seed')}</summary>
            ${others.map(seed)}
          </details>`
    }
  </article>`
}

function seed(result: SeedResult): Html {
  const { shrunk, failure: failed } = result
  return html`<div class="seed">
    <p>
      seed ${result.seed},
      ${failed === undefined ? '' : `after ${lengthText(failed.atMs)} on ${failed.hosts.join(', ') || 'no host'}, `}${countText(result.faults, 'fault')},
      ${lengthText(result.cpuMs)} of processor
      ${
        shrunk === undefined
          ? undefined
          : html`<b class="shrunk"
              >shrunk to ${countText(shrunk.hosts, 'host')} and ${countText(shrunk.faults, 'fault')}
              in ${countText(shrunk.runs, 'run')}</b
            >`
      }
    </p>
    <pre class="line">${shrunk?.replay ?? result.replay}</pre>
    <p class="options">
      ${Object.entries(result.options).map(
        ([name, value]) => html`<span>${name} <b>${String(value)}</b></span>`,
      )}
    </p>
  </div>`
}

/** Failing seeds of nights before, by commit. */
export function known({ commit }: NightReport, { commits }: SeedDatabase): Html | undefined {
  const older = commits.filter((one) => one.commit !== commit && one.seeds.length > 0)
  if (older.length === 0) return undefined
  return html`<section>
    <h2>Known failing seeds <small>of ${countText(older.length, 'commit')} before</small></h2>
    ${older.map(
      (one) =>
        html`<details class="known">
          <summary>
            <code>${one.commit}</code> since ${one.since.slice(0, 10)}:
            ${countText(one.seeds.length, 'seed')} kept, ${numberText(one.failed)} of
            ${numberText(one.passed + one.failed)} failed
          </summary>
          ${one.seeds.map(
            ({ signature, problem, replay }) =>
              html`<div class="seed">
                <p><b>${signature}</b> ${problem}</p>
                <pre class="line">${replay}</pre>
              </div>`,
          )}
        </details>`,
    )}
  </section>`
}
