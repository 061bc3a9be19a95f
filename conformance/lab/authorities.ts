// The authoritative servers that most of the DNS runs on, with zone files, as processes of this run. Their packages'
// own services are left alone.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FLAG, TYPE } from '../dns/codes.ts'
import { exchangeUdp } from '../dns/udp.ts'
import { writeQuery } from '../dns/write.ts'
import type { DnsTarget } from '../suite/target.ts'
import { startDaemon, type Daemon } from './daemon.ts'

export const AUTHORITIES = ['nsd', 'bind', 'knot'] as const
export type AuthorityName = (typeof AUTHORITIES)[number]

/** The Debian package and the program of each. */
export const AUTHORITY_PROGRAMS: Readonly<
  Record<AuthorityName, { readonly package: string; readonly program: string }>
> = {
  nsd: { package: 'nsd', program: 'nsd' },
  bind: { package: 'bind9', program: 'named' },
  knot: { package: 'knot', program: 'knotd' },
}

export interface AuthorityInit {
  readonly authority: AuthorityName
  /** Path of the program. */
  readonly program: string
  /** Its files are in a folder of this name that is made here. */
  readonly folder: string
  readonly listen: readonly DnsTarget[]
  /** Texts of zone files, by zone; `.` is the root. */
  readonly zones: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Starts one, and waits until it answers for its first zone. */
export async function startAuthority(init: AuthorityInit): Promise<Daemon> {
  const { authority, folder, zones, listen, signal } = init
  await mkdir(folder, { recursive: true })
  const files: [zone: string, file: string][] = []
  for (const [zone, text] of Object.entries(zones)) {
    const file = join(folder, `${zone === '.' ? 'root' : zone}.zone`)
    await writeFile(file, text)
    files.push([zone, file])
  }
  const configurationFile = join(folder, `${authority}.conf`)
  await writeFile(configurationFile, CONFIGURATIONS[authority]({ folder, listen, files }))
  const [zone = '.'] = Object.keys(zones)
  const [server] = listen
  if (server === undefined) throw new TypeError(`${authority} has no address to listen on`)
  return startDaemon({
    name: authority,
    program: init.program,
    programArguments: ARGUMENTS[authority](configurationFile),
    folder,
    signal,
    ready: () => answersFor(zone, server, signal),
  })
}

/** Whether a server has an answer for the zone itself; a resolver finds one, RD is set. */
export async function answersFor(
  zone: string,
  server: DnsTarget,
  signal: AbortSignal,
): Promise<boolean> {
  const query = writeQuery({
    name: zone === '.' ? '' : zone,
    type: TYPE.SOA,
    id: 1,
    flags: FLAG.RD,
  })
  try {
    const init = { server, signal, wire: { record() {} }, triesMax: 1, tryMs: 300 }
    const reply = await exchangeUdp(query, init)
    // NOERROR, and at least one answer.
    return reply !== undefined && ((reply.bytes[3] ?? 0) & 15) === 0 && (reply.bytes[7] ?? 0) > 0
  } catch {
    return false
  }
}

/** By default NSD waits for two minutes and BIND for half of one. */
const TCP_IDLE_SECONDS = 5

interface Facts {
  readonly folder: string
  readonly listen: readonly DnsTarget[]
  readonly files: readonly (readonly [zone: string, file: string])[]
}

const CONFIGURATIONS: Readonly<Record<AuthorityName, (facts: Facts) => string>> = {
  nsd: ({ folder, listen, files }) => `\
server:
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  zonelistfile: "${folder}/zone.list"
  database: ""
  server-count: 1
  tcp-timeout: ${TCP_IDLE_SECONDS}
${listen.map(({ address, port }) => `  ip-address: ${address}@${port}`).join('\n')}
remote-control:
  control-enable: no
${files.map(([zone, file]) => `zone:\n  name: "${zone}"\n  zonefile: "${file}"\n`).join('')}`,
  bind: ({ folder, listen, files }) => `\
options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  listen-on { none; };
  listen-on-v6 { none; };
${listen
  .map(({ address, port }) => {
    const option = address.includes(':') ? 'listen-on-v6' : 'listen-on'
    return `  ${option} port ${port} { ${address}; };`
  })
  .join('\n')}
  recursion no;
  allow-transfer { none; };
  dnssec-validation no;
  notify no;
  // Labels that end in a hyphen are no host names.
  check-names primary ignore;
  // In tenths of a second.
  tcp-initial-timeout ${TCP_IDLE_SECONDS}0;
  tcp-idle-timeout ${TCP_IDLE_SECONDS}0;
};
controls { };
${files.map(([zone, file]) => `zone "${zone}" { type primary; file "${file}"; };`).join('\n')}
`,
  knot: ({ folder, listen, files }) => `\
server:
    rundir: "${folder}"
    udp-workers: 1
    background-workers: 1
    tcp-idle-timeout: ${TCP_IDLE_SECONDS}
    # Its half a second for a whole query is too short for a check on a machine with too much to do.
    tcp-io-timeout: 5000
${listen.map(({ address, port }) => `    listen: ${address}@${port}`).join('\n')}
database:
    storage: "${folder}"
zone:
${files.map(([zone, file]) => `  - domain: "${zone}"\n    file: "${file}"\n    zonefile-load: whole\n`).join('')}`,
}

/** In the foreground, as whoever started us. */
const ARGUMENTS: Readonly<Record<AuthorityName, (configurationFile: string) => readonly string[]>> =
  {
    nsd: (file) => ['-d', '-c', file],
    bind: (file) => ['-g', '-n', '1', '-c', file],
    knot: (file) => ['-c', file],
  }
