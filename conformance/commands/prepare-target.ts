// From the words of `prepare` to a target: pure.
import { multiaddr } from '@multiformats/multiaddr'
import type { HttpsCertificate } from '../../scenarios/engine/ca/https-certificate.ts'
import { KEY_TYPES, type Capability, type KeyType } from '../suite/case.ts'
import type { KeyTexts } from '../suite/keys.ts'
import { UsageError } from '../suite/problems.ts'

export interface PrepareWords {
  readonly name: string
  readonly zone: string
  readonly out: string
  readonly capability?: readonly Capability[]
  readonly keyType?: readonly KeyType[]
  readonly dns?: readonly string[]
  readonly dns01?: readonly string[]
  readonly proof?: readonly string[]
  readonly issue?: readonly string[]
  readonly acme?: string
  readonly acmeProduction?: string
  readonly acmeCa?: string
  readonly acmeRoot?: string
  readonly play?: string
  readonly playLibp2p?: string
  readonly playDns?: string
  readonly playOnly?: boolean
  readonly playAcme?: string
  readonly json?: boolean
}

/** Where the suite plays servers for an issue server, and which. */
export interface Play {
  readonly address: string
  /** Where it takes challenges. */
  readonly libp2p: number
  /** Where it answers queries. */
  readonly dns: number
  /** Whether the issue server writes to no other DNS server. */
  readonly only: boolean
  /** Where it stands before the CA with this directory. */
  readonly acme?: { readonly port: number; readonly directoryUrl: string }
}

const PORTS = { libp2p: 4002, dns: 53 }

/** @throws {UsageError} where a word has no meaning without another one */
export function readPlay(words: PrepareWords): Play | undefined {
  const { play, playLibp2p, playDns, playOnly, playAcme, issue, acme, acmeCa, acmeRoot } = words
  const needs = (word: string, given: unknown, needed: string, there: unknown): string[] =>
    given !== undefined && there === undefined ? [`${word} means nothing without ${needed}`] : []
  const mistakes = [
    ...needs('--acme', acme, '--issue', issue),
    ...needs('--acme-ca', acmeCa, '--acme', acme),
    ...needs('--acme-root', acmeRoot, '--acme', acme),
    ...needs('--play', play, '--issue', issue),
    ...needs('--play-libp2p', playLibp2p, '--play', play),
    ...needs('--play-dns', playDns, '--play', play),
    ...needs('--play-only', playOnly, '--play', play),
    ...needs('--play-acme', playAcme, '--play', play),
    ...needs('--play-acme', playAcme, '--acme', acme),
  ]
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'))
  if (play === undefined) return undefined
  return {
    address: play,
    libp2p: parsePort('--play-libp2p', playLibp2p) ?? PORTS.libp2p,
    dns: parsePort('--play-dns', playDns) ?? PORTS.dns,
    only: playOnly === true,
    ...(playAcme === undefined || acme === undefined
      ? {}
      : { acme: { port: parsePort('--play-acme', playAcme) ?? 0, directoryUrl: acme } }),
  }
}

export function describeTarget({
  words,
  play,
  keys: { writer, proofSigner, player },
  https,
  acmeCa,
  acmeRoot,
}: {
  readonly words: PrepareWords
  readonly play: Play | undefined
  readonly keys: Readonly<Record<'writer' | 'proofSigner' | 'player', KeyTexts>>
  /** What the played CA is served with. */
  readonly https: HttpsCertificate | undefined
  /** PEM. */
  readonly acmeCa: string | undefined
  readonly acmeRoot: string | undefined
}): object {
  const { issue, dns01, acme } = words
  const capabilities: readonly (Capability | false)[] = [
    ...new Set(words.capability ?? []),
    issue !== undefined && 'played-proof-server',
    play !== undefined && 'played-dns-server',
    play?.acme !== undefined && 'played-ca',
    dns01 !== undefined && 'dns-writer',
  ]
  const roots = acmeRoot?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return {
    name: words.name,
    zone: words.zone,
    capabilities: capabilities.filter((capability) => capability !== false),
    keyTypes: words.keyType ?? KEY_TYPES,
    dns: (words.dns ?? []).map(parseEndpoint),
    ...(dns01 === undefined ? {} : { dns01: { addresses: dns01, writerKey: writer.privateKey } }),
    proof: proofServers(words.proof ?? []),
    ...(issue === undefined
      ? {}
      : {
          issue: { addresses: issue },
          ...(acme === undefined ? {} : { acme: { directoryUrl: acme, roots } }),
          players: {
            ...(play?.acme === undefined
              ? {}
              : {
                  acme: {
                    listen: { address: play.address, port: play.acme.port },
                    ...https,
                    upstream: {
                      directoryUrl: play.acme.directoryUrl,
                      ...(acmeCa === undefined ? {} : { certificateAuthority: acmeCa }),
                    },
                  },
                }),
            proofKey: proofSigner.privateKey,
            ...(play === undefined
              ? {}
              : {
                  dns: {
                    peerKey: player.privateKey,
                    listen: [listenOn(play)],
                    dns: { address: play.address, port: play.dns },
                    ...(play.only ? { only: true } : {}),
                  },
                }),
          },
        }),
  }
}

/** Each peer is a server, and may have several addresses. */
function proofServers(addresses: readonly string[]): readonly object[] {
  const servers = Map.groupBy(addresses, peerOf)
  return [...servers.values()].map((own) => ({ addresses: own }))
}

function peerOf(address: string): string {
  try {
    const last = multiaddr(address).getComponents().at(-1)
    return last?.name === 'p2p' ? (last.value ?? address) : address
  } catch {
    // The check of the whole target says what is wrong with it.
    return address
  }
}

/** As issue servers are told: the path is that of the CA's own. */
export function directoryUrlAt(address: string, port: number, upstream: string): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `https://${host}:${port}${new URL(upstream).pathname}`
}

export function listenOn({ address, libp2p }: Pick<Play, 'address' | 'libp2p'>): string {
  return `/${address.includes(':') ? 'ip6' : 'ip4'}/${address}/tcp/${libp2p}`
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. */
function parseEndpoint(text: string): { readonly address: string; readonly port: number } {
  const found = /^\[(.+)\]:(\d+)$/.exec(text) ?? /^([^:]+):(\d+)$/.exec(text)
  return { address: found?.[1] ?? text, port: Number(found?.[2] ?? '53') }
}

function parsePort(word: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new UsageError(`${word} is "${text}", wanted a port from 1 to 65535`)
}
