// NT-CLIENT-013 and 016: a client is stopped, and started again with what it has kept.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import { exitText } from '../../client/client-process.ts'
import type { Play } from '../../client/play.ts'
import { listens } from '../../client/probe.ts'
import { fail } from '../exchange.ts'
import { clientCase } from './define.ts'
import { announced, observed, probeOf, served } from './served.ts'
import { SERVE } from './serving.ts'

const SECOND_MS = 1_000
const STOP_MS_MAX = 10_000
const LONG_CASE_MS = 90_000

interface Restarted {
  readonly firstSerial: string
  readonly stopped: string
  readonly stopMs: number
  readonly listeningAfterStop: boolean
  readonly secondSerial: string
  readonly requests: number
  readonly samePeer: boolean
}

/** Stops a client and starts it again; cases look at what happened. */
async function restarted(play: Play, context: CheckContext): Promise<Restarted> {
  return await observed(context, 'restarted', async () => {
    const first = await served(play, context, { trusted: false })
    first.socket.destroy()
    await announced(play, context)
    const stoppingMs = play.nowMs()
    const { client } = play
    client.terminate()
    const ended = await Promise.race([client.exited, delay(STOP_MS_MAX)])
    const stopMs = play.nowMs() - stoppingMs
    if (ended === undefined) await client.kill()
    const listeningAfterStop = await listens(probeOf(play))
    await play.restart()
    const infos = play.eventsOf('info').length
    const second = await served(play, context, { trusted: false })
    second.socket.destroy()
    // It may ask whether its addresses have changed; then it knows that it needs no other certificate.
    await play.until(
      () => (play.eventsOf('info').length > infos ? true : undefined),
      AbortSignal.any([context.signal, AbortSignal.timeout(3 * SECOND_MS)]),
    )
    await delay(SECOND_MS)
    const ids = new Set(
      play.eventsOf('proof').map(({ callerId }) => Buffer.from(callerId).toString('hex')),
    )
    return {
      firstSerial: first.certificate.serialNumber,
      stopped: ended === undefined ? `no end within ${STOP_MS_MAX / SECOND_MS} s` : exitText(ended),
      stopMs: ended === undefined ? Infinity : stopMs,
      listeningAfterStop,
      secondSerial: second.certificate.serialNumber,
      requests: play.eventsOf('request').length,
      samePeer: ids.size <= 1,
    }
  })
}

export const RESTARTING_CASES: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-013/used-again',
    title: 'after a restart the certificate of before is served, and no other one is asked for',
    shared: 'restart',
    play: SERVE,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const found = await restarted(play, context)
      if (!found.samePeer)
        fail('the same peer id after a restart, kept in NT_STATE_DIR', 'another peer id')
      if (found.requests > 1 || found.firstSerial !== found.secondSerial) {
        fail(
          'the certificate of before, and no request',
          `${found.requests - 1} more requests, serial ${found.secondSerial} after ${found.firstSerial}`,
        )
      }
    },
  }),
  clientCase({
    id: 'NT-CLIENT-016/stop',
    title: 'on SIGTERM the client ends, and its listener with it',
    shared: 'restart',
    play: SERVE,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const { stopped, stopMs, listeningAfterStop } = await restarted(play, context)
      if (stopMs > STOP_MS_MAX)
        fail(`an end within ${STOP_MS_MAX / SECOND_MS} s of SIGTERM`, stopped)
      if (listeningAfterStop) fail('a listener that is closed', 'that it still takes connections')
    },
  }),
]
