// NT-CLIENT-001: what a client makes of the issue server's info.
import type { Case } from '../../suite/case.ts'
import type { PlayInit } from '../../client/play.ts'
import { fields, frame, IssueInfo, IssueResponse } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase, GOOD_OBTAIN } from './define.ts'
import { expectCertificate, expectFailure } from './outcome.ts'
import { closes, cut, hangs, OVERSIZE, resets, says, withUnknownField } from './scripts.ts'

const BAD: readonly (readonly [string, string, PlayInit['info']])[] = [
  ['no-frame', 'a stream that ends without an info', closes],
  ['reset', 'a stream that is reset', resets],
  ['silence', 'an info that never comes', hangs],
  [
    'cut',
    'an info that is cut',
    ({ stream, info }) => says(cut(IssueInfo.encode(info)))({ stream }),
  ],
  [
    'no-domain',
    'an info without a domain',
    ({ stream, info }) =>
      says(frame(IssueInfo.encode(info).subarray(info.domain.length + 2)))({ stream }),
  ],
  ['oversize', 'a frame of 64 MiB', says(OVERSIZE)],
  ['no-message', 'bytes that are no message', says(frame(Uint8Array.of(0xff, 0xff, 0xff)))],
]

export const INFO_CASES: readonly Case[] = [
  clientCase({
    id: 'NT-CLIENT-001/info-first',
    title: 'the info is asked for before anything else',
    shared: GOOD_OBTAIN,
    async judge(play, context) {
      await expectCertificate(play, context, 'from good servers')
      const first = play.events.find(({ kind }) => ['info', 'proof', 'request'].includes(kind))
      if (first?.kind !== 'info') fail('that the info is asked for first', `a ${first?.kind}`)
    },
  }),
  ...BAD.map(([slug, what, info]) =>
    clientCase({
      id: `NT-CLIENT-001/${slug}`,
      title: `${what} is a failure, and nothing more is asked`,
      play: { info },
      async judge(play, context) {
        await expectFailure(play, context, `the issue server gave ${what}`)
        if (play.eventsOf('info').length === 0) fail('that the info is asked for', 'no such stream')
        if (play.eventsOf('request').length > 0) fail('no request', 'a request without an info')
      },
    }),
  ),
  clientCase({
    id: 'NT-WIRE-011/client-unknown-fields',
    title: 'fields that are not known are skipped, in the info, its servers, and both answers',
    play: {
      info: ({ stream, info }) => {
        const { domain, proofs } = info
        const servers = proofs.map((server) =>
          withUnknownField(
            fields([1, server.id], ...server.addrs.map((bytes) => [2, bytes] as const), [
              3,
              server.display,
            ]),
          ),
        )
        const message = fields([1, domain], ...servers.map((bytes) => [2, bytes] as const))
        says(frame(withUnknownField(message)))({ stream })
      },
      proofs: [
        {
          script: async ({ stream, prove }) => {
            const answer = fields([1, 0], [2, withUnknownField(await prove())])
            says(frame(withUnknownField(answer)))({ stream })
          },
        },
      ],
      issue: ({ stream, answer }) => {
        says(frame(withUnknownField(IssueResponse.encode(answer()))))({ stream })
      },
    },
    async judge(play, context) {
      await expectCertificate(play, context, 'although there are fields that are not known')
    },
  }),
]
