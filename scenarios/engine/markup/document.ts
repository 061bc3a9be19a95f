import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { html, trusted, type Html } from './html-text.ts'

export interface DocumentInit {
  readonly title: string
  /** What it has beside the style of all our pages. */
  readonly style: string
  readonly body: Html
  /** Custom properties of the body, for what depends on how much there is to show. */
  readonly bodyStyle?: string
  readonly script?: string
}

/** A page in one file: it opens without a network, and may not use one. */
export function documentText({ title, style, body, bodyStyle, script }: DocumentInit): string {
  const common = readFileSync(join(import.meta.dirname, 'common.css'), 'utf8')
  return `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        />
        <title>${title}</title>
        <style>
          ${trusted(common)}
          ${trusted(style)}
        </style>
      </head>
      <body ${bodyStyle === undefined ? undefined : html`style="${bodyStyle}"`}>
        ${body}
        ${
          script === undefined
            ? undefined
            : html`<script>
                ${trusted(script)}
              </script>`
        }
      </body>
    </html> `.html
  }`
}
