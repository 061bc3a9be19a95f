import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMAND } from '../suite/agent.ts'
import type { Capability } from '../suite/case.ts'
import { generateKeyTexts, type KeyTexts } from '../suite/keys.ts'
import { UsageError } from '../suite/problems.ts'
import { parseTarget } from '../suite/read-target.ts'
import { jsonText, type CommandIo } from './io.ts'

export interface PrepareWords {
  readonly name: string
  readonly zone: string
  readonly out: string
  readonly dns?: readonly string[]
  readonly dns01?: readonly string[]
  readonly proof?: readonly string[]
  readonly issue?: readonly string[]
  readonly acme?: string
  readonly play?: string
  readonly privateAddresses?: boolean
  readonly json?: boolean
}

/** Where the suite's own DNS server listens, for issue servers that write to it. */
const PLAYED = { libp2pPort: 4002, queryPort: 53 }

/**
 * `prepare`: makes the suite's keys and a target file, and says what the operator of the servers puts into their
 * configuration, so that the suite may do what a check needs.
 */
export async function prepare(words: PrepareWords, io: CommandIo): Promise<void> {
  const [writer, proofSigner, player] = await Promise.all([
    generateKeyTexts(),
    generateKeyTexts(),
    generateKeyTexts(),
  ])
  const target = describe(words, { writer, proofSigner, player })
  const file = join(words.out, 'target.json')
  // What was given on the command line can be wrong as well.
  parseTarget(JSON.stringify(target), `what was given for ${file}`)
  await save(file, jsonText(target))
  const facts = {
    file,
    writer: writer.peerId,
    proofKey: proofSigner.publicKey,
    ...(words.play === undefined
      ? {}
      : {
          dnsServer: {
            address: `${listenOn(words.play)}/p2p/${player.peerId}`,
            query: { address: words.play, port: PLAYED.queryPort },
          },
        }),
  }
  io.write(words.json === true ? jsonText(facts) : instructions(facts, words))
}

function describe(
  words: PrepareWords,
  {
    writer,
    proofSigner,
    player,
  }: { readonly writer: KeyTexts; readonly proofSigner: KeyTexts; readonly player: KeyTexts },
): object {
  const { issue, dns01, play } = words
  const capabilities: readonly (Capability | false)[] = [
    words.privateAddresses === true && 'private-addresses',
    issue !== undefined && 'played-proof-server',
    issue !== undefined && play !== undefined && 'played-dns-server',
    dns01 !== undefined && 'dns-writer',
  ]
  return {
    name: words.name,
    zone: words.zone,
    capabilities: capabilities.filter((capability) => capability !== false),
    dns: (words.dns ?? []).map(parseEndpoint),
    ...(dns01 === undefined ? {} : { dns01: { addresses: dns01, writerKey: writer.privateKey } }),
    proof: words.proof === undefined ? [] : [{ addresses: words.proof }],
    ...(issue === undefined
      ? {}
      : {
          issue: { addresses: issue },
          ...(words.acme === undefined ? {} : { acme: { directoryUrl: words.acme, roots: [] } }),
          players: {
            proofKey: proofSigner.privateKey,
            ...(play === undefined
              ? {}
              : {
                  dns: {
                    peerKey: player.privateKey,
                    listen: [listenOn(play)],
                    dns: { address: play, port: PLAYED.queryPort },
                  },
                }),
          },
        }),
  }
}

function listenOn(address: string): string {
  return `/${address.includes(':') ? 'ip6' : 'ip4'}/${address}/tcp/${PLAYED.libp2pPort}`
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. */
function parseEndpoint(text: string): { readonly address: string; readonly port: number } {
  const found = /^\[(.+)\]:(\d+)$/.exec(text) ?? /^([^:]+):(\d+)$/.exec(text)
  return { address: found?.[1] ?? text, port: Number(found?.[2] ?? '53') }
}

/** Holds private keys. A target that is there already is not replaced: its keys stand in somebody's configuration. */
async function save(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(
      code === 'EEXIST'
        ? `file "${file}" exists already, and servers may know its keys: choose another --out`
        : `file "${file}" cannot be written (${code})`,
    )
  }
}

interface Facts {
  readonly file: string
  readonly writer: string
  readonly proofKey: string
  readonly dnsServer?: {
    readonly address: string
    readonly query: { readonly address: string; readonly port: number }
  }
}

function instructions({ file, writer, proofKey, dnsServer }: Facts, words: PrepareWords): string {
  const { dns01, issue, play } = words
  return `${file} is the target; it holds private keys.
Put in what is missing, and under "capabilities" what else your servers can: see conformance/README.md.

What your servers have to know of the suite, for as long as it checks them:
${
  dns01 === undefined
    ? ''
    : `
DNS servers: this peer may set challenges            (nodetrust.yaml: dns.writers)
  ${writer}
`
}${
    issue === undefined
      ? ''
      : `
Issue server: this key signs proofs                   (nodetrust.yaml: issue.proofKeys)
  ${proofKey}
  Whoever holds it can have any address certified: trust it in a test zone only, and take it out afterwards.
`
  }${
    dnsServer === undefined
      ? issue === undefined || play !== undefined
        ? ''
        : `
With --play ADDRESS, an address of this machine that the issue server reaches, the suite is a DNS server, too.
`
      : `
Issue server: one more DNS server of the zone         (nodetrust.yaml: issue.dnsServers)
  ${dnsServer.address}
  answers queries at ${dnsServer.query.address} port ${dnsServer.query.port}
`
  }
Then: ${COMMAND} run --target ${file}
`
}
