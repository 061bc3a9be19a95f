import type { Caller } from '../players/caller.ts'
import type { CheckContext } from '../suite/case.ts'
import { CASES } from '../suite/catalogue.ts'
import { nearestNames } from '../suite/nearest.ts'
import { UsageError } from '../suite/problems.ts'
import { readTarget } from '../suite/read-target.ts'
import { NO_LIMITS } from '../suite/rate-limits.ts'
import { SharedThings } from '../suite/shared.ts'
import { missingPart } from '../suite/support.ts'
import { frame } from '../wire/frames.ts'
import type { SendWords } from './send.ts'

/** Whose request it is, and what ends with it. */
interface Maker {
  readonly caller: Caller
  readonly signal: AbortSignal
  readonly stack: AsyncDisposableStack
}

/**
 * How the request of a check is made, frame and all; undefined where the bytes are given.
 * @throws {UsageError} where there is none
 */
export async function findRequest(
  { requestOf, target: file }: SendWords,
  hex: string,
): Promise<((maker: Maker) => Promise<Uint8Array>) | undefined> {
  if (requestOf === undefined) return undefined
  if (hex !== '') throw new UsageError('--request-of makes the bytes: give either')
  if (file === undefined)
    throw new UsageError('--request-of needs --target, whose keys sign proofs')
  const found = CASES.find(({ id }) => id === requestOf)
  const { request } = found ?? {}
  if (found === undefined || request === undefined) {
    const names = CASES.flatMap((one) => (one.request === undefined ? [] : one.id))
    throw new UsageError(
      `--request-of is "${requestOf}", ${found === undefined ? 'no check' : 'a check without one request'}, the nearest with one are ${nearestNames(requestOf, names).join(', ')}`,
    )
  }
  const target = await readTarget(file)
  const missing = missingPart(found, target)
  if (missing !== undefined) throw new UsageError(`${requestOf} does not apply: ${missing}`)
  return async ({ caller, signal, stack }) => {
    const shared = new SharedThings()
    stack.defer(() => shared.close())
    const context: CheckContext = {
      target,
      signal,
      wire: { record: () => {} },
      random: Math.random,
      pace: async () => {},
      limits: NO_LIMITS,
      defer: (close) => {
        stack.defer(async () => {
          await close()
        })
      },
      shared: (key, make) => shared.get(key, make),
    }
    return frame(await request(context, caller))
  }
}
