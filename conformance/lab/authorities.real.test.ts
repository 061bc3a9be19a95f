// NSD, BIND and Knot are what most of the DNS runs on. A check that all of them fail would be our mistake; where one of
// them fails, it is said here why.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { CASES } from '../checks/dns/index.ts'
import { staticZoneFile } from '../checks/dns/static-zone.ts'
import { findProgram } from '../../scenarios/engine/machine/machine.ts'
import { runCases } from '../suite/runner.ts'
import {
  AUTHORITIES,
  AUTHORITY_PROGRAMS,
  startAuthority,
  type AuthorityName,
} from './authorities.ts'
import { freeDnsPort } from './ports.ts'

const ZONE = 'nt.example'

/** What fails, and why it may. */
const KNOWN_FAILURES: Readonly<Record<AuthorityName, Readonly<Record<string, string>>>> = {
  nsd: {
    'NT-DNS-048/flags-of-unknown-opcodes': 'copies RD and CD of any opcode',
    'NT-DNS-063/slow-connections-end': 'its timeout begins anew with every byte',
  },
  bind: {},
  knot: { 'NT-DNS-048/flags-of-unknown-opcodes': 'copies RD of any opcode' },
}

for (const authority of AUTHORITIES) {
  const { program: name, package: packageName } = AUTHORITY_PROGRAMS[authority]
  const program = await findProgram(name, '/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin')
  const skip =
    program === undefined && `"${name}" is not here: apt-get install ${packageName} gives it`

  test(`${authority} with a static zone passes the checks of DNS servers`, { skip }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), `nodetrust-${authority}-`))
    t.teardown(() => rm(folder, { recursive: true, force: true }))
    const server = { address: '127.0.0.1', port: await freeDnsPort() }
    const signal = AbortSignal.timeout(120_000)
    const daemon = await startAuthority({
      authority,
      program: program ?? name,
      folder,
      listen: [server],
      zones: { [ZONE]: staticZoneFile({ zone: ZONE, address: server.address }) },
      signal,
    })
    t.teardown(() => daemon[Symbol.asyncDispose]())
    const results = await runCases(CASES, {
      target: {
        name: authority,
        zone: ZONE,
        capabilities: ['static-zone'],
        dns: [server],
        proof: [],
      },
      // So that a missed SHOULD is told apart from what is only tolerated.
      levelOf: () => 'MUST',
      seed: 1,
      strict: false,
      concurrency: 16,
      perSecond: Infinity,
      timeoutMs: undefined,
      out: undefined,
      signal,
    })
    const failed = results.filter(({ verdict }) => verdict === 'fail' || verdict === 'inconclusive')
    for (const { case: one, expected, actual, reason } of failed) {
      t.comment(`${one.id}: expected ${expected}, got ${actual ?? reason}`)
    }
    t.same(
      failed.map((result) => result.case.id).toSorted(),
      Object.keys(KNOWN_FAILURES[authority]),
    )
    const judged = results.filter(({ verdict }) => verdict === 'pass' || verdict === 'nonstrict')
    t.ok(judged.length > 60, `${judged.length} of ${CASES.length} checks say something of it`)
  })
}
