// A clock that a test sets: loaded into a process of its own with --import, which then is told by messages how far the
// time of day is off. What the monotonic clock says stays as it is, as when an operator sets a clock.
const realNow = Date.now.bind(Date)
const clock = { shiftMs: 0 }

class ShiftedDate extends Date {
  constructor(...parts: readonly unknown[]) {
    super(...((parts.length === 0 ? [ShiftedDate.now()] : parts) as [number]))
  }

  static override now(): number {
    return realNow() + clock.shiftMs
  }
}

globalThis.Date = ShiftedDate as DateConstructor
process.on('message', (message) => {
  clock.shiftMs = (message as { readonly shiftMs: number }).shiftMs
  process.send?.(message)
})
// The process does not live for the sake of its clock.
process.channel?.unref()

// Node ignores this signal of a file that has grown over its limit, and the write fails. The test runner's hook listens
// for it in every process below it, and passes it on unless somebody else listens too.
process.on('SIGXFSZ', () => {})
