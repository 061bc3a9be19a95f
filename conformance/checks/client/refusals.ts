// NT-CLIENT-007: an answer with another error than 0 is a failure that names the code.
import type { Case } from '../../suite/case.ts'
import { OUT_FILES } from '../../client/environment.ts'
import { ERRORS, errorText, frame, IssueResponse } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase } from './define.ts'
import { expectFailure, onlyRequest } from './outcome.ts'
import { closes, cut, OVERSIZE, refusesCertificate, resets, says } from './scripts.ts'

/** Of a later version of the protocol; no other number is like it. */
const UNKNOWN_CODE = 7731

const CODES: readonly (readonly [string, number])[] = [
  ['rate-limit', ERRORS.RATE_LIMIT],
  ['invalid-proof', ERRORS.INVALID_PROOF],
  ['not-authorized', ERRORS.NOT_AUTHORIZED],
  ['no-matching-crypto', ERRORS.NO_MATCHING_CRYPTO],
  ['other', ERRORS.OTHER],
  ['unknown-code', UNKNOWN_CODE],
]

export const REFUSAL_CASES: readonly Case[] = [
  ...CODES.map(([slug, code]) =>
    clientCase({
      id: `NT-CLIENT-007/${slug}`,
      title: `error ${errorText(code)} is a failure that names the code`,
      play: { issue: refusesCertificate(code) },
      async judge(play, context) {
        const error = await expectFailure(play, context, `the issue server refused with ${code}`)
        onlyRequest(play)
        const name = Object.entries(ERRORS).find(([, number]) => number === code)?.[0]
        const named = new RegExp(`\\b${code}\\b${name === undefined ? '' : `|${name}`}`)
        if (!named.test(error)) {
          fail(
            `the code ${errorText(code)} in ${OUT_FILES.error}`,
            error.trim() === '' ? 'nothing there' : `"${error.trim()}"`,
          )
        }
      },
    }),
  ),
  clientCase({
    id: 'NT-CLIENT-007/refusal-with-certificate',
    title: 'an error is a failure, although there is a certificate beside it',
    play: { issue: ({ send, answer }) => send({ ...answer(), error: ERRORS.OTHER }) },
    async judge(play, context) {
      await expectFailure(play, context, 'the issue server refused, with a certificate beside it')
      onlyRequest(play)
    },
  }),
  ...(
    [
      ['no-answer', 'a stream that ends without an answer', closes],
      ['reset', 'a stream that is reset', resets],
      ['cut-answer', 'an answer that is cut', undefined],
      ['no-message', 'bytes that are no message', says(frame(Uint8Array.of(0xff, 0xff)))],
      ['empty-message', 'a message without an error code', says(frame(new Uint8Array(0)))],
      ['oversize', 'a frame of 64 MiB', says(OVERSIZE)],
    ] as const
  ).map(([slug, what, script]) =>
    clientCase({
      id: `NT-CLIENT-008/${slug}`,
      title: `${what} is no certificate, and a failure`,
      play: {
        issue:
          script ?? (({ stream, answer }) => says(cut(IssueResponse.encode(answer())))({ stream })),
      },
      async judge(play, context) {
        await expectFailure(play, context, `the issue server gave ${what}`)
        onlyRequest(play)
      },
    }),
  ),
]
