import type { Verdict } from '../suite/case.ts'
import { html, type Html } from '../../scenarios/engine/markup/html-text.ts'
import { MARKS } from './tree.ts'

/** A cell of the matrix. */
export function verdictCell(
  verdict: Verdict | undefined,
  {
    of,
    wide,
    known = false,
  }: { readonly of: string; readonly wide: boolean; readonly known?: boolean },
): Html {
  if (verdict === undefined)
    return html`<span class="verdict none" title="${of}: not run">not run</span>`
  const { mark } = MARKS[verdict]
  const words = wide ? `${mark} ${verdict}${known ? ' (known)' : ''}` : mark
  return html`<span class="verdict ${verdict}" title="${of}: ${verdict}">${words}</span>`
}
