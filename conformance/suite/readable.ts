/** What a person reads of one text; evidence on disk has the messages themselves. */
const LENGTH_MAX = 4_000

/**
 * Controls (C0 but line feeds, C1), and what changes the direction or the ends of lines: a terminal obeys them, and a page
 * shows something else than what came.
 */
const UNREADABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text in which others may have had a say, fit to be shown: what is not is escaped as JSON does, and its length is bounded. */
export function readable(text: string): string {
  const shown = text.slice(0, LENGTH_MAX).replaceAll(UNREADABLE, escaped)
  const left = text.length - LENGTH_MAX
  return left > 0 ? `${shown}… and ${left} characters more` : shown
}

/** The same, on one line. */
export function readableLine(text: string): string {
  return readable(text).replaceAll('\n', escaped)
}

/** DEL and C1: JSON and YAML allow them as they are, and a terminal that shows a report obeys them. */
const C1 = /[\u007f-\u009f]/g

/** Text of any length without them. JSON stays the same JSON. */
export function withoutC1(text: string): string {
  return text.replaceAll(C1, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
