// NT-CLIENT-012 and NT-DISC-006: what happens when a certificate comes to its end. Runs of their own, with lifetimes
// that can be waited for; cases look at what was seen in them.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext } from '../../suite/case.ts'
import type { Play, PlayInit } from '../../client/play.ts'
import { shakeHands, upgrade } from '../../client/probe.ts'
import { ERRORS } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase, type ClientCaseInit } from './define.ts'
import { refusesCertificate } from './scripts.ts'
import { announced, observed, probeOf, provenName, requested, served } from './served.ts'
import { SERVE } from './serving.ts'

const SECOND_MS = 1_000
const LONG_CASE_MS = 90_000
const RENEWED_LIFETIME_MS = 14_000
/** So long the old certificate is all that there is. */
const RENEWED_ANSWER_AFTER_MS = 2_500
const ENDING_LIFETIME_MS = 9_000
/** Until somebody who announces every 10 s would have done it again. */
const QUIET_MS = 11_500

/** The first certificate is soon to be renewed; the renewal takes its time. */
const RENEWAL_PLAY: Partial<PlayInit> = {
  ...SERVE,
  neighbours: 0,
  timeoutSeconds: 60,
  issue: async ({ count, certify, answer, send }) => {
    if (count === 1) {
      const now = Date.now()
      return send(answer(certify({ notBefore: now, notAfter: now + RENEWED_LIFETIME_MS })))
    }
    await delay(RENEWED_ANSWER_AFTER_MS)
    send(answer())
  },
}

interface Renewal {
  /** From the first request to the second; undefined where there was none while the certificate lasted. */
  readonly renewedAfterMs: number | undefined
  /** What was served while the second answer was waited for. */
  readonly meanwhile: 'old' | 'another' | 'none'
  readonly newServed: boolean
  /** A connection that was open before. */
  readonly stayedOpen: boolean
}

async function renewal(play: Play, context: CheckContext): Promise<Renewal> {
  return await observed(context, 'renewed', async () => {
    const { certificate, socket } = await served(play, context, { trusted: false })
    const { serialNumber } = certificate
    await upgrade(socket, provenName(play))
    let open = true
    socket.on('close', () => {
      open = false
    })
    socket.resume()
    const first = await requested(play, context)
    const second = await play.until(
      () => play.eventsOf('request')[1],
      AbortSignal.any([context.signal, AbortSignal.timeout(RENEWED_LIFETIME_MS)]),
    )
    if (second === undefined) {
      return { renewedAfterMs: undefined, meanwhile: 'none', newServed: false, stayedOpen: open }
    }
    const handshake = await shakeHands(probeOf(play))
    handshake?.socket.destroy()
    const meanwhile = handshake?.certificate.serialNumber
    const renewed = await served(play, context, { other: serialNumber, trusted: false }).catch(
      () => undefined,
    )
    await delay(SECOND_MS)
    return {
      renewedAfterMs: second.atMs - first.atMs,
      meanwhile: meanwhile === serialNumber ? 'old' : meanwhile === undefined ? 'none' : 'another',
      newServed: renewed !== undefined,
      stayedOpen: open,
    }
  })
}

function renewing({
  look,
  ...init
}: Pick<ClientCaseInit, 'id' | 'title'> & { readonly look: (seen: Renewal) => void }): Case {
  return clientCase({
    ...init,
    shared: 'renewal',
    play: RENEWAL_PLAY,
    timeoutMs: LONG_CASE_MS,
    judge: async (play, context) => look(await renewal(play, context)),
  })
}

/** The first certificate ends soon, and there is no other. */
const ENDING_PLAY: Partial<PlayInit> = {
  ...SERVE,
  timeoutSeconds: 60,
  issue: (asked) => {
    const { count, certify, answer, send } = asked
    const now = Date.now()
    if (count > 1) return refusesCertificate(ERRORS.OTHER)(asked)
    send(answer(certify({ notBefore: now, notAfter: now + ENDING_LIFETIME_MS })))
  },
}

interface End {
  readonly stillServed: boolean
  /** How long after the end the last announcement came; negative where none came after it. */
  readonly announcedMs: number
}

async function end(play: Play, context: CheckContext): Promise<End> {
  return await observed(context, 'ended', async () => {
    const { certificate, socket } = await served(play, context, { trusted: false })
    socket.destroy()
    await announced(play, context)
    const untilEndMs = certificate.validToDate.getTime() - Date.now()
    const endMs = play.nowMs() + untilEndMs
    await delay(untilEndMs + 2 * SECOND_MS, undefined, { signal: context.signal })
    const after = await shakeHands(probeOf(play))
    after?.socket.destroy()
    await delay(QUIET_MS - 2 * SECOND_MS, undefined, { signal: context.signal })
    return {
      stillServed: after?.certificate.serialNumber === certificate.serialNumber,
      announcedMs: Math.round((play.eventsOf('message').at(-1)?.atMs ?? 0) - endMs),
    }
  })
}

function ending({
  look,
  ...init
}: Pick<ClientCaseInit, 'id' | 'title'> & { readonly look: (seen: End) => void }): Case {
  return clientCase({
    ...init,
    shared: 'ending',
    play: ENDING_PLAY,
    timeoutMs: LONG_CASE_MS,
    judge: async (play, context) => look(await end(play, context)),
  })
}

export const RENEWING_CASES: readonly Case[] = [
  renewing({
    id: 'NT-CLIENT-012/before-the-end',
    title: 'a certificate is renewed well before it ends',
    look({ renewedAfterMs }) {
      const wanted = `a request for the next certificate when most of ${RENEWED_LIFETIME_MS} ms is over, before the end`
      if (renewedAfterMs === undefined) return fail(wanted, 'none until the end')
      // A client that renews all the time would keep a CA busy for nothing.
      const early = renewedAfterMs < RENEWED_LIFETIME_MS / 3
      const late = renewedAfterMs > RENEWED_LIFETIME_MS - SECOND_MS
      if (early || late) fail(wanted, `one after ${renewedAfterMs} ms`)
    },
  }),
  renewing({
    id: 'NT-CLIENT-012/old-until-new',
    title: 'the old certificate is served until the new one is there',
    look({ renewedAfterMs, meanwhile }) {
      if (renewedAfterMs === undefined) return fail('a renewal', 'none until the end')
      if (meanwhile !== 'old') {
        fail('TLS with the old certificate while the new one is waited for', meanwhile)
      }
    },
  }),
  renewing({
    id: 'NT-CLIENT-012/new-served',
    title: 'the new certificate is served when it is there',
    look({ newServed }) {
      if (!newServed) fail('TLS with the new certificate', 'the old one, or none')
    },
  }),
  renewing({
    id: 'NT-CLIENT-012/connections-stay',
    title: 'connections that are open stay open when the certificate changes',
    look({ renewedAfterMs, stayedOpen }) {
      if (renewedAfterMs === undefined) return fail('a renewal', 'none until the end')
      if (!stayedOpen) fail('a connection that stays open', 'that it was closed with the renewal')
    },
  }),
  ending({
    id: 'NT-CLIENT-012/none-that-has-ended',
    title: 'a certificate that has ended is not served',
    look({ stillServed }) {
      if (stillServed) fail('no TLS with a certificate that has ended', 'TLS with it, 2 s after')
    },
  }),
  ending({
    id: 'NT-DISC-006/not-after-the-end',
    title: 'nothing is announced after the certificate has ended',
    look({ announcedMs }) {
      // Certificates and their readers count in seconds.
      if (announcedMs > SECOND_MS) {
        fail('no announcement after the end of the certificate', `one ${announcedMs} ms after it`)
      }
    },
  }),
]
