import type { CheckContext } from '../suite/case.ts'
import { NO_LIMITS } from '../suite/rate-limits.ts'
import { ERRORS, errorText } from '../wire/index.ts'
import { fail } from './exchange.ts'

/** More than one would grant a peer that is in its right mind, in a time that refills little. */
const REQUESTS_MAX = 10_000
const TIME_MS_MAX = 20_000
const AT_ONCE = 4

/**
 * Asks until it is refused with error 1, or fails.
 *
 * @param request returns the error of its answer
 * @param usual what is answered before
 */
export async function expectRateLimit(
  context: CheckContext,
  request: (quiet: CheckContext) => Promise<number>,
  usual: readonly number[],
): Promise<void> {
  // Thousands of the same bytes are no evidence.
  const quiet: CheckContext = {
    ...context,
    wire: { record: () => undefined },
    limits: NO_LIMITS,
  }
  const over = AbortSignal.timeout(TIME_MS_MAX)
  let requests = 0
  let unusual: number | undefined
  const askOn = async (): Promise<void> => {
    while (unusual === undefined && requests < REQUESTS_MAX && !over.aborted) {
      requests += 1
      const error = await request(quiet)
      if (!usual.includes(error)) unusual ??= error
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, askOn))
  const wanted = 'error 1 (E_RATE_LIMIT) at some time'
  if (unusual === undefined) fail(wanted, `${requests} answers without it`)
  if (unusual !== ERRORS.RATE_LIMIT) {
    fail(wanted, `error ${errorText(unusual)} after ${requests} requests`)
  }
}
