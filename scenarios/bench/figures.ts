const SERIAL_COUNT = 40
const PARALLEL_ROUNDS = 5

export interface Figures {
  /** The median of one after the other. */
  readonly serialMs: number
  readonly parallelPerSecond: number
}

/** First one after the other, then all at once; the first of each kind only warms up. */
export async function measure(work: () => Promise<unknown>, parallel: number): Promise<Figures> {
  for (let count = 0; count < parallel; count++) await work()
  const serial: number[] = []
  for (let count = 0; count < SERIAL_COUNT; count++) serial.push(await durationMs(work))
  const rates: number[] = []
  for (let round = 0; round < PARALLEL_ROUNDS; round++) {
    const roundMs = await durationMs(() =>
      Promise.all(Array.from({ length: parallel }, () => work())),
    )
    rates.push((parallel / roundMs) * 1_000)
  }
  return { serialMs: median(serial), parallelPerSecond: median(rates) }
}

export async function durationMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

export function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[values.length >> 1] ?? 0
}

/** One result, as bench.ts reads it. */
export function report(measurement: object): void {
  process.stdout.write(`${JSON.stringify(measurement)}\n`)
}
