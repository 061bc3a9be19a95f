import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { randomBytes } from 'node:crypto'
import { openCaller, type Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import { DNS01Request, ERRORS } from '../../wire/index.ts'
import { ask, errorOf, expectCode } from '../exchange.ts'

/** Servers may refuse more than 8 streams of a peer, and all cases together are one peer here. */
const STREAMS_MAX = 6

/** The peer that may set challenges, for one stream at a time; ends with the case, its place is then another's. */
export async function takeWriter(context: CheckContext): Promise<Caller> {
  const { writerKey } = context.target.dns01 ?? {}
  if (writerKey === undefined) throw new Error('the target has no writerKey')
  const writer = await context.shared('dns-01 writer', async () => {
    const key = privateKeyFromProtobuf(Buffer.from(writerKey, 'base64'))
    const caller = await openCaller({ key })
    return { value: { caller, places: new Places(STREAMS_MAX) }, close: () => caller.close() }
  })
  await writer.places.enter(context.signal)
  context.defer(() => writer.places.leave())
  return writer.caller
}

/** Sets a value as it has to be possible, or fails. */
export async function setValue(
  context: CheckContext,
  caller: Caller,
  request: DNS01Request,
): Promise<void> {
  const message = await ask(context, {
    caller,
    protocol: 'dns01',
    request: DNS01Request.encode(request),
    what: `an answer to a request for "${request.fqdn}"`,
  })
  expectCode(errorOf(message), ERRORS.OK, `the value for "${request.fqdn}" is set`)
}

/** A value as ACME has them: base64url of 32 bytes. */
export function randomValue(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * A name in the zone that nobody else writes to. Not of the seed: a second run within two minutes would find what the
 * first has set.
 */
export function freshName({ zone }: Pick<Target, 'zone'>): string {
  return `check-${randomBytes(6).toString('hex')}.${zone}`
}

/** So many at once; the others wait in line. */
class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const turn = (): void => resolve()
    this.#waiting.push(turn)
    const give = (): void => {
      const index = this.#waiting.indexOf(turn)
      if (index < 0) return
      this.#waiting.splice(index, 1)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', give, { once: true })
    await promise
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
