import { laneX, type Geometry } from './arrows.ts'
import type { SequenceData, Span } from './data.ts'
import type { Line } from './lines.ts'

export interface PlacedSpan {
  readonly x: number
  readonly top: number
  readonly height: number
  readonly span: Span
}

/** Where the shade of each fault lies, from its first line to the last one before it was healed. */
export function placedSpans(
  data: SequenceData,
  lines: readonly Line[],
  geometry: Geometry,
): readonly PlacedSpan[] {
  const { lineHeight } = geometry
  const at = (line: Line): number => data.rows[line.first]?.atMs ?? 0
  return data.spans.flatMap((span) => {
    const lane = geometry.laneOf[span.host]
    if (lane === undefined) return []
    const from = firstAtOrAfter(lines, at, span.fromMs)
    const until = span.healed ? firstAtOrAfter(lines, at, span.untilMs) : lines.length
    return [
      {
        x: laneX(lane, geometry),
        top: from * lineHeight,
        height: Math.max(1, until - from + (span.healed ? 0.5 : 0)) * lineHeight,
        span,
      },
    ]
  })
}

/** Lines are in the order of their times. */
function firstAtOrAfter(lines: readonly Line[], at: (line: Line) => number, ms: number): number {
  let [low, high] = [0, lines.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const line = lines[middle]
    if (line !== undefined && at(line) < ms) low = middle + 1
    else high = middle
  }
  return low
}
