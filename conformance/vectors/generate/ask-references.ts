// Asks NSD, BIND and Knot what the vectors of DNS queries ask, and keeps their answers. Needs the Debian packages nsd,
// bind9 and knot; npm run generate then puts the answers into the vectors.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exchangeTcp } from '../../dns/tcp.ts'
import { exchangeUdp } from '../../dns/udp.ts'
import { AUTHORITY_PROGRAMS, startAuthority } from '../../lab/authorities.ts'
import { freeDnsPort } from '../../lab/ports.ts'
import { findProgram } from '../../../scenarios/engine/machine/machine.ts'
import { printed } from '../../../scenarios/engine/machine/program.ts'
import { vectorText } from '../files.ts'
import { REFERENCE_NAMES, type ReferenceName } from '../schema-dns.ts'
import { toHex } from './build.ts'
import { zoneFile } from './dns-zone.ts'
import { askedNames } from './dns-name-rows.ts'
import { dnsRows, referenceKey, REFERENCES_FILE } from './dns-queries.ts'
import { VECTOR_ZONE } from './dns-row.ts'
import type { DnsCase } from './dns-case.ts'

const PATH = '/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin'
const TIMEOUT_MS = 120_000
/** They are on this machine: a longer silence is one. */
const TRY_MS = 250
const VERSION_ARGUMENTS = { nsd: '-v', bind: '-v', knot: '--version' } as const

const servers: Record<string, string> = {}
const responses: Record<string, Partial<Record<ReferenceName, string | null>>> = {}
for (const name of REFERENCE_NAMES) {
  const { program, package: packageName } = AUTHORITY_PROGRAMS[name]
  const path = await findProgram(program, PATH)
  if (path === undefined)
    throw new Error(`"${program}" is not here: apt-get install ${packageName}`)
  const text = await printed(path, [VERSION_ARGUMENTS[name]])
  servers[name] = /\d+\.\d+\.\d+/.exec(text)?.[0] ?? 'unknown'
  await askAll(name, path)
}
await writeFile(REFERENCES_FILE, vectorText({ servers, responses }))

async function askAll(authority: ReferenceName, program: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `nodetrust-${authority}-`))
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const server = { address: '127.0.0.1', port: await freeDnsPort() }
  const zones = { [VECTOR_ZONE.name]: zoneFile(askedNames(), VECTOR_ZONE) }
  await using _ = await startAuthority({
    authority,
    program,
    folder,
    listen: [server],
    zones,
    signal,
  })
  for (const { case: one } of dnsRows()) {
    const bytes = await ask(one, { server, signal, wire: { record() {} } })
    const key = referenceKey(one)
    responses[key] = { ...responses[key], [authority]: bytes === undefined ? null : toHex(bytes) }
  }
  await rm(folder, { recursive: true, force: true })
}

async function ask(
  { transport, query }: DnsCase,
  init: Parameters<typeof exchangeTcp>[1],
): Promise<Uint8Array | undefined> {
  const reply =
    transport === 'tcp'
      ? await exchangeTcp(query, init)
      : await exchangeUdp(query, { ...init, triesMax: 1, tryMs: TRY_MS })
  return reply?.bytes
}
