import type { Connection } from '@libp2p/interface'
import {
  DenyFile,
  refuseDenied,
  refuseDeniedAddress,
  type DenyFileReport,
} from '../denied/index.ts'
import { limitKeyOf, parseAddress } from '../wire/addresses.ts'
import { RefusalError } from '../wire/errors.ts'
import { parseAddressLabel } from '../wire/names.ts'
import { RateLimiter, type RateLimit } from '../wire/rate-limiter.ts'

const RATE_LIMIT_DEFAULT: RateLimit = { burst: 20, intervalMs: 3_000 }

/** Who is listened to at all, decided before anything of a request is verified: sixteen signatures cost more. */
export class Admission {
  readonly #limiter: RateLimiter
  readonly #denied: DenyFile | undefined

  constructor(
    init: { readonly rateLimit?: RateLimit; readonly denyListFile?: string },
    report: DenyFileReport,
  ) {
    this.#limiter = new RateLimiter(init.rateLimit ?? RATE_LIMIT_DEFAULT)
    const { denyListFile } = init
    this.#denied = denyListFile === undefined ? undefined : new DenyFile(denyListFile, report)
  }

  /** @throws {Error} when the deny list cannot be used. */
  async start(): Promise<void> {
    await this.#denied?.start()
  }

  stop(): void {
    this.#denied?.stop()
  }

  /**
   * Called once for each request.
   * @throws {RefusalError} NOT_AUTHORIZED, RATE_LIMIT
   */
  admit(connection: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    refuseDenied(this.#denied?.list, connection)
    // Of a relayed connection it is the relay's address: all who come through it share its limit.
    const [ip] = connection.remoteAddr.getComponents()
    const address = parseAddress(ip?.value ?? '')?.address
    const keys = [
      connection.remotePeer.toString(),
      ...(address === undefined ? [] : [limitKeyOf(address)]),
    ]
    const now = performance.now()
    for (const key of keys) {
      if (this.#limiter.take(key, now)) continue
      throw new RefusalError(
        'RATE_LIMIT',
        `${key} asks for more certificates than its rate limit allows`,
      )
    }
  }

  /**
   * Proof servers elsewhere may have another deny list, or none.
   * @throws {RefusalError} NOT_AUTHORIZED
   */
  admitAddresses(addresses: readonly string[]): void {
    for (const address of addresses) refuseDeniedAddress(this.#denied?.list, address)
  }

  /** Whether a peer, or an address that one of the names stands for, is denied. */
  denies({ peer, names }: { readonly peer: string; readonly names: readonly string[] }): boolean {
    const list = this.#denied?.list
    if (list === undefined) return false
    const addresses = names.flatMap((name) => parseAddressLabel(name.split('.')[0] ?? '') ?? [])
    return list.hasPeer(peer) || addresses.some(({ address }) => list.hasAddress(address))
  }
}
