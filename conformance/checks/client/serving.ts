// NT-CLIENT-010: what a client serves with its certificate.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case } from '../../suite/case.ts'
import { upgrade } from '../../client/probe.ts'
import type { PlayInit } from '../../client/play.ts'
import { fail } from '../exchange.ts'
import { clientCase } from './define.ts'
import { idName, provenName, served } from './served.ts'

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

export const SERVING_CASES: readonly Case[] = [
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
      const { socket } = await served(play, context, { trusted: false })
      const line = await upgrade(socket, provenName(play))
      if (!line.startsWith('HTTP/1.1 101 '))
        fail('HTTP/1.1 101 to a request for a WebSocket', line || 'the end of the connection')
    },
  }),
]
