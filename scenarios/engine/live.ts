import { createLogUpdate } from 'log-update'
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { describe } from './describe.ts'
import type { Trace } from './trace.ts'

/** Between two paintings, at the least. */
const PAINT_INTERVAL_MS = 80
/** Hosts with a line of their own; a crowd is counted. */
const LINES_MAX = 20

/** One line a host on a terminal, with what it did last, until `stop` wipes them away. */
export function liveLines(
  stream: WriteStream,
  trace: Trace,
  hosts: readonly string[],
): { stop(): void } {
  const paint = createLogUpdate(stream)
  const last = new Map<string, string>()
  const width = Math.max(...hosts.map((name) => name.length))
  let painted = -PAINT_INTERVAL_MS
  const show = (): void => {
    painted = trace.elapsedMs
    const shown = hosts.slice(0, LINES_MAX)
    paint(
      [
        ...shown.map(
          (name) => `${styleText('cyan', name.padEnd(width))}  ${last.get(name) ?? '…'}`,
        ),
        ...(hosts.length > shown.length ? [`… and ${hosts.length - shown.length} more hosts`] : []),
      ].join('\n'),
    )
  }
  const unfollow = trace.follow((entry) => {
    last.set(entry.host, describe(entry, (peerId) => `…${peerId.slice(-8)}`) ?? entry.event)
    if (trace.elapsedMs - painted >= PAINT_INTERVAL_MS) show()
  })
  show()
  return {
    stop() {
      unfollow()
      paint.clear()
    },
  }
}
