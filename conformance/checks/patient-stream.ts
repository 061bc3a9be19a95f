import { RateLimitedError, type LimitedRequest } from '../suite/rate-limits.ts'
import { DNS01Response, ERRORS, type RawStream } from '../wire/index.ts'

/** A stream whose requests are repeated, on a new one, where a server answers them with E_RATE_LIMIT. */
export interface PatientStream extends RawStream {
  /**
   * Whether these messages, the next ones that came, hold a refusal: all that was sent has been sent again then, on
   * another stream, when its time had come, and answers are to be read anew.
   *
   * @param remake what is sent instead of what was
   * @throws {RateLimitedError} where that is no use, or a caller of this has seen answers
   */
  isRepeated(messages: readonly Uint8Array[], remake?: () => Promise<Uint8Array>): Promise<boolean>
}

export async function patientStream({
  request,
  open,
  signal,
}: {
  readonly request: LimitedRequest
  readonly open: () => Promise<RawStream>
  readonly signal: AbortSignal
}): Promise<PatientStream> {
  await request.turn(signal)
  let current = await open()
  let answered = 0
  let sent: Uint8Array[] = []
  let closed = false
  return {
    get stream() {
      return current.stream
    },
    send(bytes) {
      sent.push(bytes)
      return current.send(bytes)
    },
    closeWrite() {
      closed = true
      current.closeWrite()
    },
    reset: () => current.reset(),
    next: (until) => current.next(until),
    rest: (until) => current.rest(until),
    gone: (until) => current.gone(until),
    async isRepeated(messages, remake) {
      const limited = messages.some(isLimit)
      if (!limited) {
        answered += messages.length
        if (messages.length > 0) request.passed()
        return false
      }
      if (!request.refused(messages.length)) return false
      if (answered > 0) {
        throw new RateLimitedError(
          'the server answered some requests of a stream, and the next with error 1 (E_RATE_LIMIT): it has to grant this address and its peers more requests (nodetrust.yaml: rateLimit)',
        )
      }
      current.reset()
      await request.turn(signal)
      current = await open()
      if (remake !== undefined) sent = [await remake()]
      for (const bytes of sent) current.send(bytes)
      if (closed) current.closeWrite()
      return true
    },
  }
}

/** An answer of any protocol but issue/info, which has no errors: E_RATE_LIMIT alone. */
function isLimit(message: Uint8Array): boolean {
  try {
    return DNS01Response.decode(message).error === ERRORS.RATE_LIMIT
  } catch {
    return false
  }
}
