/** HTML that needs no escaping any more. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | undefined | readonly Html[]

/** Markup as a template: what is put in is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = strings.map((string, index) => string + partText(parts[index])).join('')
  return { html: text }
}

/** Markup of our own files. */
export function trusted(text: string): Html {
  return { html: text }
}

function partText(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'object' && 'html' in part) return part.html
  if (typeof part === 'object') return part.map((one) => one.html).join('\n')
  return String(part)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
