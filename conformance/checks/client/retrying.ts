// NT-CLIENT-014 and 015: when a client asks again, because its address has changed or because it was refused.
import { setTimeout as delay } from 'node:timers/promises'
import type { Case, Finding } from '../../suite/case.ts'
import { PROVEN_ADDRESS } from '../../players/played-proof.ts'
import { addressName, Proof, ProofWrapper } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase } from './define.ts'
import { refusesCertificate } from './scripts.ts'
import { announced, requested, served } from './served.ts'
import { SERVE } from './serving.ts'

const SECOND_MS = 1_000
/** A client that takes refusals for what they are asks again after minutes. */
const SLOWLY_MS = 20_000
const LONG_CASE_MS = 90_000
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
      const first = await served(play, context, { trusted: false })
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
      const serverName = addressName(OTHER_ADDRESS, play.init.zone)
      const other = first.certificate.serialNumber
      const { certificate } = await served(play, context, { serverName, other, trusted: false })
      if (certificate.checkHost(serverName) === undefined) {
        fail(`a certificate for ${serverName}`, certificate.subjectAltName ?? 'one without names')
      }
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

export const RETRYING_CASES: readonly Case[] = [...moving, ...retrying]
