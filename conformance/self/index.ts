// Starts the servers that this project ships, as an operator would: `nodetrust serve all` with a configuration file, on
// real sockets, with Pebble as the CA; and says where they are, as a stranger's target file does.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Capability } from '../suite/case.ts'
import type { Target } from '../suite/target.ts'
import type { SelfCa } from './ca.ts'
import {
  CA_FILE,
  configuration,
  hasIpv6,
  keyFiles,
  makePlayers,
  playersOf,
  PROOF_KEY_FILE,
  SELF_NAME,
  SELF_ROLES,
  SELF_ZONE,
  type SelfPlayers,
  type SelfRole,
} from './configuration.ts'
import { generateKeyTexts } from '../suite/keys.ts'
import { startServerProcess, type ServerAddresses } from './server-process.ts'

export { openSelfCa, type SelfCa, type SelfCaOptions } from './ca.ts'
export { clientOnly, selfClient, type SelfClientOptions } from './client.ts'
export { SELF_NAME, SELF_ROLES, SELF_ZONE, type SelfRole } from './configuration.ts'

export interface SelfOptions {
  /** @default all. A DNS or proof server alone starts faster, and needs no CA. */
  readonly roles?: readonly SelfRole[]
  /** For the issue server; stays open when the servers stop. */
  readonly ca?: SelfCa
  /** Files of modules that Node loads before the servers: how mutants are made. */
  readonly preload?: readonly string[]
  /** The program `nodetrust`. @default that of this repository */
  readonly program?: string
  /** Gets what the servers print. @default a file that goes with them */
  readonly logFile?: string
  /** Keys, configuration, store and log are in a folder that is made in it and removed again. */
  readonly workDirectory: string
  readonly signal: AbortSignal
}

/** Servers that run. */
export interface Self {
  readonly target: Target
  /** Resolves when the servers have ended although nobody asked them to, with how they ended. */
  readonly crashed: Promise<string>
  stop(): Promise<void>
}

/** @throws {Error} when they cannot be started, with what they printed last */
export async function startSelf(options: SelfOptions): Promise<Self> {
  const roles = startedRoles(options.roles ?? SELF_ROLES)
  const { ca } = options
  if (roles.includes('issue') && ca === undefined) {
    throw new TypeError('an issue server needs a CA: open one with openSelfCa')
  }
  await mkdir(options.workDirectory, { recursive: true })
  const folder = await mkdtemp(join(options.workDirectory, 'self-'))
  try {
    const [players, ipv6] = await Promise.all([makePlayers(), hasIpv6()])
    const keys = await writeKeys(folder, roles)
    if (ca !== undefined) await writeFile(join(folder, CA_FILE), players.https.certificate)
    const configFile = join(folder, 'nodetrust.yaml')
    await writeFile(configFile, configuration({ roles, players, ca, ipv6 }), { mode: 0o600 })
    const servers = await startServerProcess({
      program: options.program ?? join(import.meta.dirname, '../../impl/cli.ts'),
      configFile,
      logFile: options.logFile ?? join(folder, 'servers.log'),
      preload: options.preload ?? [],
      signal: options.signal,
    })
    ca?.use([{ address: '127.0.0.1', port: players.queryPort }])
    return {
      target: targetOf({ roles, addresses: servers.addresses, players, ca, ipv6, keys }),
      crashed: servers.crashed,
      async stop() {
        await servers.stop()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** An issue server has to be told of the other two. */
function startedRoles(asked: readonly SelfRole[]): readonly SelfRole[] {
  return asked.includes('issue') ? SELF_ROLES : SELF_ROLES.filter((role) => asked.includes(role))
}

/** What servers will be that have not been started: which checks apply to them, but not where they are. */
export async function plannedSelf(
  asked: readonly SelfRole[],
  { dns, dns01, proof, issue }: Pick<Target, 'dns' | 'dns01' | 'proof' | 'issue'>,
): Promise<Target> {
  const roles = startedRoles(asked)
  return {
    name: SELF_NAME,
    zone: SELF_ZONE,
    capabilities: capabilitiesOf(roles, await hasIpv6()),
    dns: roles.includes('dns') ? dns : [],
    ...(roles.includes('dns') && dns01 !== undefined ? { dns01 } : {}),
    proof: roles.includes('proof') ? proof : [],
    ...(roles.includes('issue') && issue !== undefined ? { issue } : {}),
  }
}

function capabilitiesOf(roles: readonly SelfRole[], ipv6: boolean): readonly Capability[] {
  const issues = roles.includes('issue')
  const answers = roles.includes('dns')
  const capabilities: readonly (Capability | false)[] = [
    ipv6 && 'ipv6',
    'private-addresses',
    issues && 'played-proof-server',
    issues && 'played-dns-server',
    issues && 'played-ca',
    answers && 'dns-writer',
    issues && 'csr',
    answers && 'dns01-remove',
  ]
  return capabilities.filter((capability) => capability !== false)
}

/** By file name, the public keys of those that were made: protobuf, base64. */
async function writeKeys(
  folder: string,
  roles: readonly SelfRole[],
): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>()
  for (const file of keyFiles(roles)) {
    const { privateKey, publicKey } = await generateKeyTexts()
    await writeFile(join(folder, file), `${privateKey}\n`, { mode: 0o600 })
    keys.set(file, publicKey)
  }
  return keys
}

function targetOf({
  roles,
  addresses: { libp2p, queries },
  players,
  ca,
  ipv6,
  keys,
}: {
  readonly roles: readonly SelfRole[]
  readonly addresses: ServerAddresses
  readonly players: SelfPlayers
  readonly ca: SelfCa | undefined
  readonly ipv6: boolean
  readonly keys: ReadonlyMap<string, string>
}): Target {
  const proofKey = keys.get(PROOF_KEY_FILE)
  return {
    name: SELF_NAME,
    zone: SELF_ZONE,
    capabilities: capabilitiesOf(roles, ipv6),
    dns: queries,
    ...(libp2p['dns'] === undefined
      ? {}
      : { dns01: { addresses: libp2p['dns'], writerKey: players.writer.privateKey } }),
    proof:
      libp2p['proof'] === undefined
        ? []
        : [{ addresses: libp2p['proof'], ...(proofKey === undefined ? {} : { proofKey }) }],
    ...(libp2p['issue'] === undefined || ca === undefined
      ? {}
      : {
          issue: { addresses: libp2p['issue'] },
          acme: { directoryUrl: ca.directoryUrl, roots: ca.roots },
          players: playersOf(players, ca),
        }),
  }
}
