// Resolvers as public CAs and the rest of the world run them: they begin at the root, remember, minimise names, and
// write them in mixed case (0x20).
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answersFor } from './authorities.ts'
import { startDaemon, type Daemon } from './daemon.ts'
import { DNS_PORT, RECURSOR_ADDRESSES, TLD, type RecursorName } from './network.ts'
import { rootHints } from './zones.ts'

/** Program and version of each, for reports. */
const PROGRAMS: Readonly<Record<RecursorName, string>> = {
  unbound: 'unbound',
  knot: 'kresd',
  powerdns: 'pdns_recursor',
}

export async function startRecursor(
  name: RecursorName,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Daemon> {
  await mkdir(folder, { recursive: true })
  const hints = join(folder, 'root.hints')
  await writeFile(hints, rootHints())
  const address = RECURSOR_ADDRESSES[name]
  const launch = LAUNCHES[name]({ folder, hints, address })
  const configurationFile = join(folder, launch.file)
  await writeFile(configurationFile, launch.configuration)
  return startDaemon({
    name: PROGRAMS[name],
    program: PROGRAMS[name],
    programArguments: launch.programArguments(configurationFile),
    folder,
    signal,
    // The parent, so that nothing of our zone is remembered before it is asked for.
    ready: () => answersFor(TLD, { address, port: DNS_PORT }, signal),
  })
}

interface Facts {
  readonly folder: string
  readonly hints: string
  readonly address: string
}

interface Launch {
  readonly file: string
  readonly configuration: string
  readonly programArguments: (configurationFile: string) => readonly string[]
}

const LAUNCHES: Readonly<Record<RecursorName, (facts: Facts) => Launch>> = {
  unbound: ({ folder, hints, address }) => ({
    file: 'unbound.conf',
    configuration: `\
server:
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  interface: ${address}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  root-hints: "${hints}"
  module-config: "iterator"
  use-caps-for-id: yes
  qname-minimisation: yes
  qname-minimisation-strict: yes
remote-control:
  control-enable: no
`,
    programArguments: (file) => ['-d', '-c', file],
  }),
  knot: ({ folder, hints, address }) => ({
    file: 'kresd.conf',
    configuration: `\
net.listen('${address}', ${DNS_PORT}, { kind = 'dns' })
modules = { 'hints > iterate' }
hints.root_file('${hints}')
trust_anchors.remove('.')
cache.open(10 * MB, 'lmdb://${folder}')
`,
    // -n: in the foreground. Another folder than the file's, which is why its path is absolute.
    programArguments: (file) => ['-n', '-c', file, folder],
  }),
  powerdns: ({ folder, hints, address }) => ({
    file: 'recursor.conf',
    configuration: `\
config-dir=${folder}
socket-dir=${folder}
local-address=${address}
local-port=${DNS_PORT}
allow-from=127.0.0.0/8
hint-file=${hints}
dnssec=off
dont-query=
daemon=no
write-pid=no
threads=1
security-poll-suffix=
qname-minimization=yes
`,
    programArguments: () => [`--config-dir=${folder}`],
  }),
}
