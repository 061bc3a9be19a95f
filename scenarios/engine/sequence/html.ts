// A run as one page: what became of it, what must hold, and what happened, as a sequence diagram. One file, which opens
// without a network.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pageScript } from '../markup/bundle.ts'
import { documentText } from '../markup/document.ts'
import { html, trusted, type Html } from '../markup/html-text.ts'
import { overviewHtml } from './overview-html.ts'
import { DATA_ID, KINDS, type SequenceData } from './page/data.ts'
import { timeText } from './page/time.ts'
import { sequenceOf } from './sequence.ts'
import type { Story } from './story.ts'

const PAGE = join(import.meta.dirname, 'page')

export async function storyHtml(story: Story): Promise<string> {
  const data = sequenceOf(story)
  const left = story.timeline.length - data.rows.length
  return documentText({
    title: `${story.name}: ${story.holds ? 'all hold' : 'not all hold'}`,
    style: readFileSync(join(PAGE, 'style.css'), 'utf8'),
    script: await pageScript(join(PAGE, 'main.ts')),
    body: html`<header class="page">
        <h1>${story.name}</h1>
        <p>${story.title}</p>
      </header>
      <main>
        ${verdicts(story)} ${drawn(story)} ${about(story)} ${overviewHtml(data)} ${filters(data)}
        <section class="sequence" aria-label="What happened">
          <noscript><p>The diagram is drawn by this file's own script.</p></noscript>
          <div class="heads"></div>
          <div class="lines">
            <div class="rail"></div>
            <div class="spans"></div>
            <div class="drawn"></div>
          </div>
          <p class="empty" hidden>Nothing fits these filters.</p>
          ${left === 0 ? undefined : html`<p class="empty">${left} later events are left out here.</p>`}
        </section>
        <aside class="detail" hidden>
          <button type="button" class="close" aria-label="Close">×</button>
          <div class="what"></div>
        </aside>
      </main>
      <script type="application/json" id="${DATA_ID}">
        ${trusted(JSON.stringify(data).replaceAll('<', '\\u003c'))}
      </script>`,
  })
}

function verdicts({ verdicts: all, holds, durationMs, again }: Story): Html {
  const broken = all.filter(({ problem }) => problem !== undefined)
  const words = holds ? `All ${all.length} hold` : `${broken.length} of ${all.length} do not hold`
  return html`<section class="card verdicts" aria-label="Invariants">
    <p class="conclusion ${holds ? 'pass' : 'fail'}">
      ${words} <small>after ${timeText(durationMs)}</small>
    </p>
    <ul>
      ${[...broken, ...all.filter(({ problem }) => problem === undefined)].map(
        ({ name, problem }) =>
          html`<li class="${problem === undefined ? 'pass' : 'fail'}">
            <b>${problem === undefined ? '✓' : '✗'}</b>
            <span>${name}${problem === undefined ? undefined : html`<em>${problem}</em>`}</span>
          </li>`,
      )}
    </ul>
    <div class="again">
      <pre class="command">${again}</pre>
      <button type="button" class="copy" data-copy="${again}" hidden>copy</button>
    </div>
  </section>`
}

/** What the seed drew. */
function drawn({ options }: Story): Html | undefined {
  const entries = Object.entries(options)
  if (entries.length === 0) return undefined
  return html`<section class="card drawn-options" aria-label="Options">
    <h2>Drawn for this world</h2>
    <dl>
      ${entries.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${String(value)}</dd>
          </div>`,
      )}
    </dl>
  </section>`
}

function about({ facts, hosts, certificates }: Story): Html {
  return html`<section class="about">
    <dl class="facts">
      ${facts.map(
        ([name, text]) =>
          html`<dt>${name}</dt>
            <dd>${text}</dd>`,
      )}
    </dl>
    <details>
      <summary>${hosts.length} hosts</summary>
      <table>
        ${hosts.map(
          ({ name, role, addresses, peerId }) =>
            html`<tr>
              <th>${name}</th>
              <td>${role}</td>
              <td>${addresses.join(', ')}</td>
              <td><code>${peerId}</code></td>
            </tr>`,
        )}
      </table>
    </details>
    ${
      certificates.length === 0
        ? undefined
        : html`<details>
            <summary>
              ${certificates.length} ${certificates.length === 1 ? 'certificate' : 'certificates'}
            </summary>
            <table>
              ${certificates.map(
                ({ host, names, serial, notBefore, notAfter }) =>
                  html`<tr>
                    <th>${host}</th>
                    <td><code>${serial}</code></td>
                    <td>${names.join(', ')}</td>
                    <td>${notBefore} to ${notAfter}</td>
                  </tr>`,
              )}
            </table>
          </details>`
    }
  </section>`
}

function filters(data: SequenceData): Html {
  const kinds = KINDS.filter((kind) => data.events.some((event) => event.kind === kind))
  const chip = (name: string, value: string, words: string, on = false): Html =>
    html`<label class="chip"
      ><input
        type="checkbox"
        name="${name}"
        value="${value}"
        ${on ? trusted('checked') : undefined}
      />${words}</label
    >`
  return html`<form class="filters" hidden>
    <fieldset>
      <legend>about</legend>
      ${kinds.map((kind) => chip('kind', kind, kind))}
    </fieldset>
    <fieldset>
      <legend>show</legend>
      ${chip('show', 'failures', 'failures only')} ${chip('show', 'everything', 'every event')}
      ${chip('show', 'fold', 'fold', true)}
    </fieldset>
    <input type="search" placeholder="Search hosts and words" aria-label="Search hosts and words" />
    <output class="shown"></output>
  </form>`
}
