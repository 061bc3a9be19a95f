/**
 * The result of `work`, or the reason of the signal when that comes first: then the work goes on, and nobody waits for
 * it or hears of its failure.
 */
export async function orAbort<T>(
  work: Promise<T>,
  signal: AbortSignal,
  {
    graceMs = 0,
  }: { /** Time for the work to end by itself after the signal. */ readonly graceMs?: number } = {},
): Promise<T> {
  const over = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const abort = (): void => {
    if (graceMs === 0) over.reject(signal.reason)
    else timer = setTimeout(() => over.reject(signal.reason), graceMs)
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, over.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/** Waits; throws the reason of the signal. */
export async function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(over.resolve, durationMs)
  try {
    await orAbort(over.promise, signal)
  } finally {
    clearTimeout(timer)
  }
}
