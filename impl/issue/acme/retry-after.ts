/** A year: whatever is longer is a mistake, and would not fit into a timer either. */
const RETRY_AFTER_MS_MAX = 365 * 86_400_000

/**
 * Reads a Retry-After header: seconds or a date (RFC 9110 section 10.2.3).
 * @param now milliseconds since 1970 by the CA's own clock, where its Date header tells it
 * @returns milliseconds from now on, 0 for a date that has passed, undefined where there is nothing to read
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const trimmed = value.trim()
  const waitMs = /^\d+$/.test(trimmed) ? Number(trimmed) * 1000 : Date.parse(trimmed) - now
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX)
}
