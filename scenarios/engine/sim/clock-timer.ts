import { AsyncResource } from 'node:async_hooks'
import { NOWHERE, type Due } from './event-heap.ts'
import { currentHost, type VirtualHost } from './host-context.ts'

/** Something that the clock will run. */
export interface Timer {
  /** Virtual time at which it is due. */
  readonly atMs: number
}

/** A timer keeps the async context that it was made in, as Node's do. */
export class ClockTimer extends AsyncResource implements Due, Timer {
  atMs: number
  sequence: number
  index = NOWHERE
  /** Whether a run without an end of its own waits for it. */
  counts = true
  readonly host: VirtualHost | undefined
  readonly work: () => void

  constructor(atMs: number, sequence: number, work: () => void) {
    super('ClockTimer', MANUAL)
    this.atMs = atMs
    this.sequence = sequence
    this.host = currentHost()
    this.work = work
  }
}

/** Nobody waits for the end of these resources. */
export const MANUAL = { requireManualDestroy: true }

/** A timer that a clock has made. */
export function ours(timer: Timer): ClockTimer {
  if (!(timer instanceof ClockTimer)) throw new TypeError('this timer is of no virtual clock')
  return timer
}
