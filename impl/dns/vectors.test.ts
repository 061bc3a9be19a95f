// Requests of writers as conformance/vectors have them.
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { ERROR_CODES } from '../wire/errors.ts'
import { DNS01Request } from '../wire/messages.ts'
import { parseChallenge } from './challenge-request.ts'

test('NT-DNS01-002 … 010 dns01_request: names and values are judged as the vectors say', async (t) => {
  for (const { zone, tests } of vectorGroups('dns01_request')) {
    for (const { tcId, req, comment, frameHex, errors, servedAt } of tests) {
      // No vector is of 128 bytes, or its length has two bytes.
      const frame = Buffer.from(frameHex, 'hex')
      const request = DNS01Request.decode(frame.subarray((frame[0] ?? 0) < 128 ? 1 : 2))
      const verdict = parseChallenge(request, zone)
      const name = `dns01_request ${tcId} ${req} ${comment}: ${JSON.stringify(verdict)}`
      const code = verdict.kind === 'refused' ? ERROR_CODES[verdict.code] : ERROR_CODES.OK
      t.equal(code, errors[0], name)
      const at = verdict.kind === 'refused' ? null : `_acme-challenge.${verdict.challenge.name}`
      t.equal(at, servedAt, `${name}, name`)
    }
  }
})
