// The servers of the zone as this project ships them: two machines, each with a DNS and a proof server, one with the
// issue server.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyTexts, type KeyTexts } from '../suite/keys.ts'
import { startServerProcess, type ServerProcess } from '../self/server-process.ts'
import { dnsAddresses, NAME_SERVERS, ZONE, type LabHost } from './network.ts'

export interface LabServers extends AsyncDisposable {
  /** Where clients ask; it ends in /p2p/<peer id>. */
  readonly issueServer: string
  /** Resolves when one has ended although nobody asked it to. */
  readonly crashed: Promise<string>
}

export interface LabServersInit {
  readonly folder: string
  readonly acme: { readonly directoryUrl: string; readonly certificateAuthority: string }
  readonly signal: AbortSignal
}

/** The program `nodetrust` of this repository. */
export const PROGRAM = join(import.meta.dirname, '../../impl/cli.ts')
const PORT = { proof: 4001, dns: 4002, issue: 4003 } as const

interface Keys {
  readonly proof: KeyTexts
  readonly dns: KeyTexts
  readonly issue: KeyTexts
}

export async function startLabServers(init: LabServersInit): Promise<LabServers> {
  const [first, second] = await Promise.all([makeKeys(), makeKeys()])
  const [one, other] = NAME_SERVERS
  const ofSecond = await startMachine(
    'second',
    sections(other, { writer: first.issue }),
    second,
    init,
  )
  const started: ServerProcess[] = [ofSecond]
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()))
  }
  try {
    const issue = issueSection({ other, second, directoryUrl: init.acme.directoryUrl })
    const ofFirst = await startMachine(
      'first',
      { ...sections(one, { writer: first.issue }), issue },
      first,
      init,
    )
    started.push(ofFirst)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    issueServer: `/ip4/${one.ip4}/tcp/${PORT.issue}/p2p/${first.issue.peerId}`,
    crashed: Promise.race(started.map(({ crashed }) => crashed)),
    [Symbol.asyncDispose]: stop,
  }
}

async function makeKeys(): Promise<Keys> {
  const [proof, dns, issue] = await Promise.all([
    generateKeyTexts(),
    generateKeyTexts(),
    generateKeyTexts(),
  ])
  return { proof, dns, issue }
}

/** Clients of the first proof server come over IPv4, those of the second over IPv6: names of both kinds. */
function sections(host: LabHost, { writer }: { readonly writer: KeyTexts }): object {
  const proofAddress = host === NAME_SERVERS[0] ? `/ip4/${host.ip4}` : `/ip6/${host.ip6}`
  return {
    proof: {
      identityFile: 'proof.key',
      listen: [`${proofAddress}/tcp/${PORT.proof}`],
      display: host.name,
    },
    dns: {
      identityFile: 'dns.key',
      listen: [`/ip4/${host.ip4}/tcp/${PORT.dns}`],
      dnsListen: dnsAddresses(host),
      nameServers: NAME_SERVERS.map(({ name, ip4, ip6 }) => ({ name, addresses: [ip4, ip6] })),
      writers: [writer.peerId],
      caa: [{ tag: 'issue', value: 'pebble.letsencrypt.org' }],
    },
  }
}

function issueSection({
  other,
  second,
  directoryUrl,
}: {
  readonly other: LabHost
  readonly second: Keys
  readonly directoryUrl: string
}): object {
  const [one] = NAME_SERVERS
  return {
    identityFile: 'issue.key',
    listen: [`/ip4/${one.ip4}/tcp/${PORT.issue}`],
    proofServers: [
      { local: true },
      {
        id: second.proof.peerId,
        addresses: [`/ip6/${other.ip6}/tcp/${PORT.proof}`],
        display: other.name,
      },
    ],
    proofKeys: [second.proof.publicKey],
    dnsServers: [
      { local: true },
      {
        addresses: [`/ip4/${other.ip4}/tcp/${PORT.dns}/p2p/${second.dns.peerId}`],
        query: { address: other.ip4, port: 53 },
      },
    ],
    acme: {
      directoryUrl,
      certificateAuthorityFile: 'ca.pem',
      termsOfServiceAgreed: true,
    },
    storePath: 'issue.sqlite',
    budgets: 'none',
  }
}

async function startMachine(
  name: string,
  roles: object,
  keys: Keys,
  { folder: parent, acme, signal }: LabServersInit,
): Promise<ServerProcess> {
  const folder = join(parent, name)
  await mkdir(folder, { recursive: true })
  for (const [role, { privateKey }] of Object.entries(keys)) {
    await writeFile(join(folder, `${role}.key`), `${privateKey}\n`, { mode: 0o600 })
  }
  await writeFile(join(folder, 'ca.pem'), acme.certificateAuthority)
  const configFile = join(folder, 'nodetrust.yaml')
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify({ zone: ZONE, ...roles }, undefined, 2), {
    mode: 0o600,
  })
  return startServerProcess({
    program: PROGRAM,
    configFile,
    logFile: join(folder, 'servers.log'),
    preload: [],
    signal,
  })
}
