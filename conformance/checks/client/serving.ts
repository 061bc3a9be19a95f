// NT-CLIENT-010 to 016: what a client does with its certificate, and when it asks for the next one.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { listens, shakeHands, upgrade } from '../../client/probe.ts'
import { exitText } from '../../client/client-process.ts'
import type { Play, PlayInit } from '../../client/play.ts'
import { PROVEN_ADDRESS } from '../../players/played-proof.ts'
import { addressName, Proof, ProofWrapper } from '../../wire/index.ts'
import { refusesCertificate } from './scripts.ts'
import { fail } from '../exchange.ts'
import { clientCase, wait } from './define.ts'
import { announced, idName, probeOf, provenName, requested, served } from './served.ts'

/** A client that serves, with a neighbour to announce itself to. */
export const SERVE: Partial<PlayInit> = { testcase: 'serve', neighbours: 1 }
/** Cases that look at one run with good servers. */
export const GOOD_RUN = 'serve'
/** The answer of the good run takes so long: nothing may be announced before it. */
export const ANSWER_AFTER_MS = 1_500
export const GOOD_PLAY: Partial<PlayInit> = {
  ...SERVE,
  issue: async ({ send, answer }) => {
    await delay(ANSWER_AFTER_MS)
    send(answer())
  },
}

/** Lifetimes that can be waited for. */
const RENEWED_LIFETIME_MS = 14_000
const RENEWED_ANSWER_AFTER_MS = 2_500
const ENDING_LIFETIME_MS = 9_000
const SECOND_MS = 1_000
const STOP_MS_MAX = 10_000
/** A client that takes refusals for what they are asks again after minutes. */
const SLOWLY_MS = 20_000
const LONG_CASE_MS = 90_000

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

/** The first certificate ends soon, and there is no other. */
export const ENDING_RUN = 'ending'
export const ENDING_PLAY: Partial<PlayInit> = {
  ...SERVE,
  timeoutSeconds: 60,
  issue: (asked) => {
    const { count, certify, answer, send } = asked
    const now = Date.now()
    if (count > 1) return refusesCertificate(9)(asked)
    send(answer(certify({ notBefore: now, notAfter: now + ENDING_LIFETIME_MS })))
  },
}

const serving: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-010/tls-with-address-name',
    title: 'a TLS handshake with the address name verifies against the CA',
    shared: GOOD_RUN,
    play: GOOD_PLAY,
    async judge(play, context) {
      await served(play, context)
    },
  }),
  clientCase({
    id: 'NT-CLIENT-010/tls-with-id0-name',
    title: 'a TLS handshake with the id0 name verifies against the CA',
    shared: GOOD_RUN,
    play: GOOD_PLAY,
    async judge(play, context) {
      await served(play, context, { serverName: await idName(play, context) })
    },
  }),
  clientCase({
    id: 'NT-CLIENT-010/web-socket',
    title: 'what is behind TLS is a WebSocket server',
    shared: GOOD_RUN,
    play: GOOD_PLAY,
    async judge(play, context) {
      const { socket } = await served(play, context)
      const line = await upgrade(socket, provenName(play))
      if (!line.startsWith('HTTP/1.1 101 '))
        fail('HTTP/1.1 101 to a request for a WebSocket', line || 'the end of the connection')
    },
  }),
]

const renewing: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-012/before-the-end',
    title: 'a certificate is renewed well before it ends',
    shared: 'renewal',
    play: RENEWAL_PLAY,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const first = await requested(play, context)
      const second = await wait(play, context, () => play.eventsOf('request')[1], {
        expected: 'a request for the next certificate before the first one ends',
        withinMs: RENEWED_LIFETIME_MS + 5 * SECOND_MS,
      })
      const afterMs = second.atMs - first.atMs
      if (afterMs > RENEWED_LIFETIME_MS - SECOND_MS) {
        fail(
          `a request for the next certificate within ${RENEWED_LIFETIME_MS} ms`,
          `one after ${afterMs} ms`,
        )
      }
      // A client that renews all the time would keep a CA busy for nothing.
      if (afterMs < RENEWED_LIFETIME_MS / 3) {
        fail(
          'renewal when most of the lifetime is over',
          `renewal after ${afterMs} of ${RENEWED_LIFETIME_MS} ms`,
        )
      }
    },
  }),
  clientCase({
    id: 'NT-CLIENT-012/old-until-new',
    title:
      'the old certificate is served until the new one is there, and the new one then; open connections stay open',
    shared: 'renewal',
    play: RENEWAL_PLAY,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const before = await served(play, context)
      await upgrade(before.socket, provenName(play))
      let closed = false
      before.socket.on('close', () => {
        closed = true
      })
      before.socket.resume()
      await requested(play, context, 2)
      const meanwhile = await shakeHands(probeOf(play))
      meanwhile?.socket.destroy()
      const stillOld = meanwhile?.certificate.serialNumber === before.certificate.serialNumber
      if (!stillOld)
        fail(
          'the old certificate while the new one is waited for',
          meanwhile === undefined ? 'no TLS' : 'another one',
        )
      await served(play, context, { other: before.certificate.serialNumber })
      await delay(SECOND_MS)
      if (closed) fail('that connections stay open', 'that one was closed with the renewal')
    },
  }),
  clientCase({
    id: 'NT-CLIENT-012/none-that-has-ended',
    title: 'a certificate that has ended is not served',
    shared: ENDING_RUN,
    play: ENDING_PLAY,
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      const { certificate, socket } = await served(play, context)
      socket.destroy()
      const untilEndMs = certificate.validToDate.getTime() - Date.now()
      await delay(untilEndMs + 2 * SECOND_MS, undefined, { signal: context.signal })
      const after = await shakeHands(probeOf(play))
      after?.socket.destroy()
      if (after?.certificate.serialNumber === certificate.serialNumber) {
        fail('no TLS with a certificate that has ended', `one that ended at ${certificate.validTo}`)
      }
    },
  }),
]

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
  return await context.shared('client restarted', async () => {
    const first = await served(play, context)
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
    const second = await served(play, context)
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
      value: {
        firstSerial: first.certificate.serialNumber,
        stopped:
          ended === undefined ? `no end within ${STOP_MS_MAX / SECOND_MS} s` : exitText(ended),
        stopMs: ended === undefined ? Infinity : stopMs,
        listeningAfterStop,
        secondSerial: second.certificate.serialNumber,
        requests: play.eventsOf('request').length,
        samePeer: ids.size <= 1,
      },
      close: async () => {},
    }
  })
}

const restarting: readonly Case[] = [
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

const OTHER_ADDRESS = '127.0.0.9'

const moving: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-014/new-address',
    title: 'a client that is seen at another address gets new proofs and a certificate for it',
    play: () => {
      let addresses: readonly string[] = [PROVEN_ADDRESS]
      return {
        ...SERVE,
        timeoutSeconds: 60,
        proofs: [{ script: async ({ prove, give }) => give(await prove({ addresses })) }],
        issue: ({ answer, send }) => {
          send(answer())
          addresses = [OTHER_ADDRESS]
        },
      }
    },
    timeoutMs: LONG_CASE_MS,
    async judge(play, context): Promise<Finding | void> {
      await served(play, context)
      await announced(play, context)
      const told = await play.neighbours[0]?.tellObserved(`/ip4/${OTHER_ADDRESS}/tcp/4001`)
      if (told !== true) {
        const reason = 'the client takes no identify push, by which it is told of another address'
        return { verdict: 'unsupported', reason }
      }
      const { request } = await requested(play, context, 2)
      const proven = request.proofs.flatMap((wrapper) =>
        Proof.decode(ProofWrapper.decode(wrapper).proof).addrs.map(({ address }) => address),
      )
      if (!proven.includes(OTHER_ADDRESS)) {
        fail(`new proofs, which name ${OTHER_ADDRESS}`, `proofs of ${proven.join(', ')}`)
      }
      await served(play, context, { serverName: addressName(OTHER_ADDRESS, play.init.zone) })
    },
  }),
]

const retrying: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-015/growing-pauses',
    title:
      'after E_OTHER the client asks again, each time after a longer pause and with new proofs',
    shared: 'refused with 9',
    play: { ...SERVE, neighbours: 0, issue: refusesCertificate(9), timeoutSeconds: 60 },
    timeoutMs: LONG_CASE_MS,
    async judge(play, context) {
      await requested(play, context, 3)
      const [first, second, third] = play.eventsOf('request')
      if (first === undefined || second === undefined || third === undefined) return
      const pauses = [second.atMs - first.atMs, third.atMs - second.atMs] as const
      if (pauses[0] < SECOND_MS || pauses[1] <= pauses[0]) {
        fail('pauses of at least a second that grow', `pauses of ${pauses.join(' and ')} ms`)
      }
      const proofs = new Set(
        [first, second, third].flatMap(({ request }) =>
          request.proofs.map((one) => Buffer.from(one).toString('hex')),
        ),
      )
      if (proofs.size < 3) fail('new proofs for each request', 'one that was sent before')
    },
  }),
  ...([2, 3, 4] as const).map((code) =>
    clientCase({
      id: `NT-CLIENT-015/slowly-after-${code}`,
      title: `after error ${code} the client does not ask again at once`,
      play: { ...SERVE, neighbours: 0, issue: refusesCertificate(code), timeoutSeconds: 60 },
      timeoutMs: LONG_CASE_MS,
      async judge(play, context) {
        await requested(play, context)
        await delay(SLOWLY_MS, undefined, { signal: context.signal })
        const { length } = play.eventsOf('request')
        if (length > 1)
          fail(`no other request within ${SLOWLY_MS / SECOND_MS} s`, `${length - 1} of them`)
      },
    }),
  ),
]

export const SERVING_CASES: readonly Case[] = [
  ...serving,
  ...renewing,
  ...restarting,
  ...moving,
  ...retrying,
]
