import { VERDICTS } from '../suite/verdicts.ts'
import { counted } from '../suite/words.ts'
import { html, type Html } from '../../scenarios/engine/markup/html-text.ts'
import { conclusionOf } from './conclusion.ts'
import { unseenText, WHY_NOT } from './left-out.ts'
import { MARKS } from './tree.ts'
import type { RunReport } from './report.ts'

/** What a report says of its target, in a few lines. */
export function targetCard(report: RunReport): Html {
  const { target, counts, startedAt, durationMs, leftOut, overtaken } = report
  const { tone, words } = conclusionOf(report)
  const present = VERDICTS.filter((verdict) => (counts[verdict] ?? 0) > 0)
  return html`<article class="target">
    <h2>${target.name} <small>${target.zone}</small></h2>
    <p class="conclusion ${tone}">${upperFirst(words)}</p>
    ${(['disturbs', 'slow'] as const).flatMap((why) => {
      const text = unseenText(report, why)
      return text === undefined ? [] : [html`<p class="unseen">${upperFirst(text)}</p>`]
    })}
    <div class="bar" aria-hidden="true">
      ${present.map(
        (verdict) => html`<span class="${verdict}" style="flex: ${counts[verdict]}"></span>`,
      )}
    </div>
    <ul class="counts">
      ${present.map(
        (verdict) =>
          html`<li class="${verdict}">
            <b>${MARKS[verdict].mark} ${counts[verdict]}</b> ${verdict}
          </li>`,
      )}
    </ul>
    <details>
      <summary>${dateText(startedAt)}, ${(durationMs / 1_000).toFixed(1)} s</summary>
      <dl class="facts">
        ${fact('suite', `${report.suite.name} ${report.suite.version}`)}
        ${fact('seed', String(report.seed))}
        ${fact('selection', report.selection.join(' ') || 'all checks')}
        ${fact('capabilities', target.capabilities.join(', ') || 'none')}
        ${target.servers.map((server) => fact('server', server))}
        ${leftOut.length === 0 ? undefined : fact('left out', leftOutText(report))}
        ${overtaken.length === 0 ? undefined : fact('known, but better', overtaken.join(', '))}
      </dl>
    </details>
  </article>`
}

function leftOutText({ leftOut }: RunReport): string {
  return [...Map.groupBy(leftOut, ({ why }) => why)]
    .map(([why, all]) => `${counted(all.length, 'check')}: ${WHY_NOT[why]}`)
    .join('; ')
}

function fact(name: string, text: string): Html {
  return html`<dt>${name}</dt>
    <dd>${text}</dd>`
}

function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function dateText(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}
