import type { TraceEntry } from '../../engine/trace.ts'
import type { Watch } from './watch.ts'

/** A date has whole seconds. */
const DATE_MS = 1_000
/** Each of these is asked by one order at a time, so that whoever asks again is who was told to wait. */
const OF_ONE_ORDER = new Set(['newOrder', 'order', 'authorization', 'challenge', 'finalize'])

/** RFC 8555 section 6.5: a nonce is for one request. */
export const noncesAreUsedOnce: Watch = {
  name: 'no request to the CA has the nonce of another',
  open() {
    const used = new Set<string>()
    return ({ event, detail }) => {
      const { nonce, via } = detail
      if (event !== 'ca:request' || typeof nonce !== 'string') return undefined
      if (!used.has(nonce)) {
        used.add(nonce)
        return undefined
      }
      const problem = `${String(via)} asks for a ${String(detail['resource'])} with a nonce that it has used`
      return { problem, hosts: [String(via)] }
    }
  },
}

/** RFC 9110 section 10.2.3: who is told to come back later does. */
export const retryAfterIsKept: Watch = {
  name: 'nobody comes back to the CA before it was told to',
  open() {
    const waits = new Map<string, { readonly untilMs: number; readonly via: string }>()
    const forget = (host: string): void => {
      for (const [key, { via }] of waits) if (via === host) waits.delete(key)
    }
    return (entry) => {
      // An order that has given up, or a process that has ended, is not who comes next.
      if (entry.event === 'order:failed' || entry.event.startsWith('host:')) forget(entry.host)
      if (entry.event === 'fault:crash') forget(entry.host)
      if (entry.event !== 'ca:request') return undefined
      const { resource, via, path } = wordsOf(entry)
      if (!OF_ONE_ORDER.has(resource)) return undefined
      const key = `${via} ${path}`
      const untilMs = waits.get(key)?.untilMs ?? 0
      waits.delete(key)
      if (entry.atMs < untilMs) {
        const early = Math.round(untilMs - entry.atMs)
        return { problem: `${via} asks for ${path} ${early} ms too early`, hosts: [via] }
      }
      const { retryAfterMs } = entry.detail
      if (typeof retryAfterMs === 'number' && Number(entry.detail['status']) >= 400) {
        waits.set(key, { via, untilMs: entry.atMs + retryAfterMs - DATE_MS })
      }
      return undefined
    }
  },
}

function wordsOf({ detail }: TraceEntry): Readonly<Record<'resource' | 'via' | 'path', string>> {
  return {
    resource: String(detail['resource']),
    via: String(detail['via']),
    path: String(detail['path']),
  }
}
