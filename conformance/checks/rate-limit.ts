import type { Caller } from '../players/caller.ts'
import type { CheckContext } from '../suite/case.ts'
import { NO_LIMITS } from '../suite/rate-limits.ts'
import { ERRORS, errorText, PROTOCOLS } from '../wire/index.ts'
import { fail, needAddress, ROLE_OF, tapOf, type ProtocolName } from './exchange.ts'

/** More than one would grant a peer that is in its right mind, in a time that refills little. */
const REQUESTS_MAX = 10_000
const TIME_MS_MAX = 20_000
const AT_ONCE = 4

export interface Flood {
  readonly caller: Caller
  readonly protocol: ProtocolName
  /** Returns the error of its answer. */
  readonly request: (quiet: CheckContext) => Promise<number>
  /** What is answered before. */
  readonly usual: readonly number[]
}

/** Asks until it is refused with error 1, or fails. */
export async function expectRateLimit(
  context: CheckContext,
  { caller, protocol, request, usual }: Flood,
): Promise<void> {
  const { target, signal } = context
  const connection = await caller.connect(needAddress(target, ROLE_OF[protocol]), { signal })
  // Thousands of the same bytes are no evidence: how many there were is.
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
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, askOn))
  } finally {
    const last = unusual === undefined ? 'only usual answers' : `error ${errorText(unusual)} last`
    tapOf(context, { caller, connection, protocol: PROTOCOLS[protocol] })({
      direction: 'sent',
      bytes: new Uint8Array(0),
      note: `${requests} requests, ${AT_ONCE} at once: ${last}`,
    })
  }
  const wanted = 'error 1 (E_RATE_LIMIT) at some time'
  if (unusual === undefined) fail(wanted, `${requests} answers without it`)
  if (unusual !== ERRORS.RATE_LIMIT) {
    fail(wanted, `error ${errorText(unusual)} after ${requests} requests`)
  }
}
