import type { Level, Verdict } from '../suite/case.ts'
import type { ComparedCase, ComparedRequirement } from './compare.ts'
import { readable } from '../suite/readable.ts'
import { counted } from '../suite/words.ts'
import { hexDump } from './hex-dump.ts'
import { html, type Html } from '../../scenarios/engine/markup/html-text.ts'
import { verdictCell } from './html-verdict.ts'
import { WHY_NOT, type ReportedLeftOut } from './left-out.ts'
import type { ReportedCase, ReportedRequirement } from './report.ts'

interface Place {
  /** Of the targets. */
  readonly names: readonly string[]
  readonly open: boolean
}

/** From so many targets on a cell has room for its mark only. */
const WIDE_MAX = 3

export function requirementHtml(one: ComparedRequirement, { names, open }: Place): Html {
  const { id, first, facts, cases, perTarget } = one
  const level = facts?.level ?? cases[0]?.level ?? 'MUST'
  return html`<details
    class="requirement"
    ${first ? html` id="${id}"` : undefined}
    ${attribute('open', open)}
  >
    <summary class="row">
      <span class="id">${id}</span
      ><span class="title">${facts?.title ?? cases[0]?.title}${levelMark(level)}</span
      >${cells(perTarget, names)}
    </summary>
    ${facts === undefined ? undefined : about(facts)}
    ${cases.map((row) => caseHtml(row, { names, open }))}
  </details>`
}

function about({ sentence, source, decision, why }: ReportedRequirement): Html {
  return html`<div class="about">
    <p class="sentence">${sentence}</p>
    <p>${source}</p>
    ${decision ? html`<p>Decided here: ${why ?? 'the specification leaves it open'}</p>` : undefined}
  </div>`
}

function caseHtml(one: ComparedCase, { names, open }: Place): Html {
  const verdicts = one.results.map((result) => result?.verdict)
  const slug = one.id.split('/').slice(1).join('/')
  const text = `${one.id} ${one.title}`.toLowerCase()
  const opens = open && verdicts.includes('fail')
  return html`<details
    class="case"
    id="${one.id}"
    ${attribute('open', opens)}
    data-role="${one.role}"
    data-level="${one.level}"
    data-verdicts="${verdicts.filter((verdict) => verdict !== undefined).join(' ')}"
    data-text="${text}"
  >
    <summary class="row">
      <span class="title"
        >${sentence(one.title)}${levelMark(one.level)}<span class="slug">${slug}</span></span
      >${cells(
        verdicts,
        names,
        one.results.map((result) => result?.known !== undefined && result.known === result.verdict),
      )}
    </summary>
    <div class="findings">
      ${one.results.flatMap((result, index) =>
        findings(names.length > 1 ? names[index] : undefined, result, one.leftOut[index]),
      )}
    </div>
  </details>`
}

function findings(
  target: string | undefined,
  result: ReportedCase | undefined,
  leftOut: ReportedLeftOut | undefined,
): Html[] {
  if (result !== undefined) return [findingHtml(result, target)]
  if (leftOut === undefined) return []
  const finding = html`<div class="finding">
    <h4>${target} not run</h4>
    <p>${sentence(WHY_NOT[leftOut.why])}</p>
  </div>`
  return [finding]
}

function findingHtml(one: ReportedCase, target: string | undefined): Html {
  const rows: readonly (readonly [string, Html | string | undefined])[] = [
    ['reason', one.reason],
    ['expected', one.expected],
    ['actual', one.actual],
    ['by hand', one.byHand === '' ? undefined : html`<pre class="command">${one.byHand}</pre>`],
    ['evidence', one.evidence],
    ['fault', one.suiteFault === undefined ? undefined : html`<pre>${one.suiteFault}</pre>`],
  ]
  return html`<div class="finding ${one.verdict}">
    <h4>${target} ${one.verdict} <small>${one.durationMs} ms</small></h4>
    <dl>
      ${rows.flatMap(([name, value]) =>
        value === undefined
          ? []
          : [
              html`<dt>${name}</dt>
                <dd>${value}</dd>`,
            ],
      )}
    </dl>
    ${one.wire.length === 0 ? undefined : wireHtml(one)}
  </div>`
}

function wireHtml({ wire, wireLeft }: ReportedCase): Html {
  const total = wire.length + wireLeft
  return html`<details class="wire">
    <summary>${counted(total, 'message')}</summary>
    <ol>
      ${wire.map(
        ({ atMs, direction, channel, length, hex, note }) =>
          html`<li>
            <p>
              <b>${direction === 'sent' ? '→ sent' : '← received'}</b> ${channel},
              ${counted(length, 'byte')}, after ${atMs.toFixed(1)}
              ms${note === undefined ? '' : `: ${readable(note)}`}
            </p>
            ${hex === '' ? undefined : html`<pre>${hexDump(Buffer.from(hex, 'hex'), length)}</pre>`}
          </li>`,
      )}${wireLeft === 0 ? [] : [html`<li><p>${wireLeft} more are in the evidence</p></li>`]}
    </ol>
  </details>`
}

function cells(
  verdicts: readonly (Verdict | undefined)[],
  names: readonly string[],
  known: readonly boolean[] = [],
): Html[] {
  return verdicts.map((verdict, index) =>
    verdictCell(verdict, {
      of: names[index] ?? '',
      wide: names.length <= WIDE_MAX,
      known: known[index] ?? false,
    }),
  )
}

/** MUST is what is meant where nothing is said. */
function levelMark(level: Level): Html | undefined {
  return level === 'MUST' ? undefined : html`<span class="level">${level}</span>`
}

function attribute(name: string, present: boolean): Html | undefined {
  return present ? { html: ` ${name}` } : undefined
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
