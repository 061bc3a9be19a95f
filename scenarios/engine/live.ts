import { createLogUpdate } from 'log-update'
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { describe } from './describe.ts'
import type { Trace } from './trace.ts'

/** Between two paintings, at the least. */
const PAINT_INTERVAL_MS = 80
/** Hosts with a line of their own; a crowd, and what a terminal has no rows for, is counted. */
const LINES_MAX = 20
const ROWS_DEFAULT = 24

/** What stands on a terminal while a run works. */
export interface LiveLines {
  /** Prints a line that stays, above the others. */
  note(line: string): void
  /** Wipes the lines away. */
  stop(): void
}

/** One line a host on a terminal, with what it did last. */
export function liveLines(stream: WriteStream, trace: Trace, hosts: readonly string[]): LiveLines {
  const paint = createLogUpdate(stream)
  const last = new Map<string, string>()
  const hostsOfPeers = new Map<string, string>()
  const width = Math.max(...hosts.map((name) => name.length))
  let painted = -PAINT_INTERVAL_MS
  const show = (): void => {
    painted = trace.elapsedMs
    // Two rows less than there are: one for the count, and one for the cursor.
    const shown = hosts.slice(0, Math.min(LINES_MAX, (stream.rows ?? ROWS_DEFAULT) - 2))
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
    const { peer } = entry.detail
    if (entry.event === 'host:started') hostsOfPeers.set(String(peer), entry.host)
    const text = describe(entry, (peerId) => hostsOfPeers.get(peerId) ?? `…${peerId.slice(-8)}`)
    if (text === undefined) return
    last.set(entry.host, text)
    if (trace.elapsedMs - painted >= PAINT_INTERVAL_MS) show()
  })
  show()
  return {
    note(line) {
      paint.clear()
      stream.write(`${line}\n`)
      show()
    },
    stop() {
      unfollow()
      paint.clear()
    },
  }
}
