// Queries, and requests of writers, as conformance/vectors have them.
import { test } from 'tap'
import { responseDifferences } from '../../conformance/vectors/dns-expectation.ts'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { ERROR_CODES } from '../wire/errors.ts'
import { DNS01Request } from '../wire/messages.ts'
import { answer } from './answer.ts'
import { parseChallenge } from './challenge-request.ts'
import { ChallengeStore } from './challenges.ts'
import { createZone } from './zone.ts'

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

test('NT-DNS-010 … 067 dns_query: packets are answered as the vectors say', async (t) => {
  for (const group of vectorGroups('dns_query')) {
    const zone = createZone({
      zone: group.zone.name,
      nameServers: group.zone.nameServers,
      caa: group.zone.caa.map(({ tag, value }) => ({ tag, value })),
    })
    const challenges = new ChallengeStore()
    for (const { name, values } of group.zone.challenges) {
      for (const value of values) challenges.set({ name, value }, 0)
    }
    for (const { tcId, req, flags, comment, transport, queryHex, expect } of group.tests) {
      const query = Buffer.from(queryHex, 'hex')
      const response = answer(query, { zone, challenges, now: 0, transport })
      const differences = responseDifferences(response, { query, expect, zone: zone.name })
      t.same(differences, [], `dns_query ${tcId} ${req} ${flags.join()} ${comment}`)
    }
  }
})
