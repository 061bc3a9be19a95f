import type { Redis } from 'ioredis'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf, withoutPassword } from './connection.ts'

/** How often a connection is asked whether somebody is there, and how long it may take to answer. */
const ASK_MS = 5_000
/** Longest wait for a queue that is being left: it may be lost. */
const LEAVE_MS_MAX = 1_500

/** Whether a connection to a queue is lost. */
export interface Loss extends Disposable {
  /** 0 where it is not. */
  readonly lostMs: number
}

/** Tells once when a connection is lost and once when it is back, and not at each attempt to mend it. */
export function watchLoss(
  redis: Redis,
  {
    url,
    report,
    askMs = ASK_MS,
  }: {
    readonly url: string
    /** Gets lines for people. */
    readonly report: (line: string) => void
    /** @default 5 s */
    readonly askMs?: number
  },
): Loss {
  const queue = `the queue "${withoutPassword(url)}"`
  let since: number | undefined
  let isAsking = false
  const lose = (reason: string): void => {
    if (since === undefined) report(`${queue} is lost: ${reason}; it is tried again`)
    since ??= performance.now()
  }
  const find = (): void => {
    if (since !== undefined) report(`${queue} is back`)
    since = undefined
  }
  let reason: string | undefined
  const onError = (error: Error): void => void (reason = reasonOf(error))
  const onReconnecting = (): void => lose(reason ?? 'it has closed the connection')
  const onReady = (): void => {
    reason = undefined
    find()
  }
  redis.on('error', onError).on('reconnecting', onReconnecting).on('ready', onReady)
  // One that hangs closes nothing.
  const ask = async (): Promise<void> => {
    if (isAsking || redis.status !== 'ready') return
    isAsking = true
    const late = setTimeout(() => lose(`it has not answered for ${askMs / 1000} s`), askMs)
    try {
      await redis.ping()
      find()
    } catch {
      // The connection ended over it, which is told of as such.
    } finally {
      clearTimeout(late)
      isAsking = false
    }
  }
  const timer = setInterval(() => void ask(), askMs)
  return {
    get lostMs() {
      return since === undefined ? 0 : performance.now() - since
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      redis.off('error', onError).off('reconnecting', onReconnecting).off('ready', onReady)
    },
  }
}

/** Waits for what leaves a queue, but not for one that is lost. Whether it was done in time. */
export async function inTimeToLeave(leaving: Promise<unknown>): Promise<boolean> {
  const giveUp = new AbortController()
  const late = sleep(LEAVE_MS_MAX, false, { signal: giveUp.signal }).catch(() => false)
  try {
    const done = leaving.then(
      () => true,
      () => false,
    )
    return await Promise.race([done, late])
  } finally {
    giveUp.abort()
  }
}
