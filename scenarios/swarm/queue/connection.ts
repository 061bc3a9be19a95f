import { Redis } from 'ioredis'
import { UnavailableError } from '../../engine/machine/machine.ts'

/** Longest wait for the first answer. */
const CONNECT_MS_MAX = 5_000
/** Longest pause between two attempts after the connection was lost. */
const RETRY_MS_MAX = 2_000

/** The queue cannot be reached: the message is one line, and holds no password. */
export class QueueUnavailableError extends UnavailableError {
  override readonly name = 'QueueUnavailableError'
}

/**
 * Connects to Redis or Valkey. A connection that is lost later comes back by itself, and so do those that BullMQ makes of
 * it; once `left` says so, none of them does.
 *
 * @throws {SyntaxError} when the URL is none of Redis
 * @throws {QueueUnavailableError} when nobody answers there
 */
export async function openRedis(url: string, left?: AbortSignal): Promise<Redis> {
  const shown = withoutPassword(url)
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS_MAX,
    // BullMQ waits for a connection that comes back, however long.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (left?.aborted === true ? null : Math.min(times * 100, RETRY_MS_MAX)),
  })
  let last: Error | undefined
  const keep = (error: Error): void => void (last = error)
  redis.on('error', keep)
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('no answer')), CONNECT_MS_MAX)
  const refused = new Promise<never>((_resolve, fail) => redis.once('error', fail))
  try {
    await Promise.race([redis.connect().then(() => redis.ping()), refused, late])
  } catch (error) {
    redis.disconnect()
    const cause = last ?? error
    const reason = cause instanceof Error ? reasonOf(cause) : String(cause)
    throw new QueueUnavailableError(
      `the queue "${shown}" cannot be reached (${reason}): start Redis or Valkey there, such as \`apt-get install redis-server\``,
    )
  } finally {
    clearTimeout(timer)
    refused.catch(() => {})
  }
  return redis
}

/** Whether an error of a client of Redis is of its connection, and not of what was asked for. */
export function isOfConnection(error: Error): boolean {
  // The codes of the network are words; BullMQ has numbers for what it was refused.
  const isOfNetwork = 'code' in error && typeof error.code === 'string'
  return isOfNetwork || error.message.startsWith('Connection is closed')
}

/** What an error says. That of a host with several addresses, where none answers, has only a code. */
export function reasonOf(error: Error): string {
  return error.message === '' && 'code' in error ? String(error.code) : error.message
}

/** A URL as it may be shown. */
export function withoutPassword(url: string): string {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw new SyntaxError(`a queue is redis://HOST:PORT or rediss://HOST:PORT`)
  }
  if (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') {
    throw new SyntaxError(
      `"${parsed.protocol}" is no queue: wanted redis://HOST:PORT or rediss://HOST:PORT`,
    )
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}
