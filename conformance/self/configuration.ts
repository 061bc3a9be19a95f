import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  createHttpsCertificate,
  type HttpsCertificate,
} from '../../scenarios/engine/ca/https-certificate.ts'
import { freePorts } from '../../scenarios/engine/ca/index.ts'
import type { Players } from '../suite/target.ts'
import type { SelfCa } from './ca.ts'
import { generateKeyTexts, type KeyTexts } from '../suite/keys.ts'

/** How reports call them. */
export const SELF_NAME = 'self'
/** The servers that `self` can start. */
export const SELF_ROLES = ['proof', 'dns', 'issue'] as const
export type SelfRole = (typeof SELF_ROLES)[number]

/**
 * The shortest zone that documentation may use: with an RSA peer's name of 53 characters it makes a common name of 64,
 * the longest that there may be.
 */
export const SELF_ZONE = 'nt.example'

/** Less than a case waits for an order, and far more than one takes, on a machine with too much to do as well. */
const ORDER_TIMEOUT_MS = 50_000
/**
 * All requests come from one address and are hundreds, so there are many at once; and few a second after that, so that a
 * slow machine, too, can use them up in the time of a check.
 */
const RATE_LIMIT = { burst: 600, intervalMs: 100 }

const LOOPBACK = '127.0.0.1'

/** What the suite plays for the servers, and the secrets that make it known to them. */
export interface SelfPlayers {
  readonly writer: KeyTexts
  readonly proof: KeyTexts
  readonly dns: KeyTexts
  readonly libp2pPort: number
  readonly queryPort: number
  readonly acmePort: number
  readonly https: HttpsCertificate
}

export async function makePlayers(): Promise<SelfPlayers> {
  const [writer, proof, dns, [libp2pPort, queryPort], [acmePort], https] = await Promise.all([
    generateKeyTexts(),
    generateKeyTexts(),
    generateKeyTexts(),
    freePorts(),
    freePorts(),
    createHttpsCertificate(),
  ])
  return { writer, proof, dns, libp2pPort, queryPort, acmePort, https }
}

/** What a target says of the players. */
export function playersOf(
  { proof, dns, libp2pPort, queryPort, acmePort, https }: SelfPlayers,
  { directoryUrl, certificateAuthority }: SelfCa,
): Players {
  return {
    acme: {
      listen: { address: LOOPBACK, port: acmePort },
      ...https,
      upstream: { directoryUrl, certificateAuthority },
    },
    proofKey: proof.privateKey,
    dns: {
      peerKey: dns.privateKey,
      listen: [`/ip4/127.0.0.1/tcp/${libp2pPort}`],
      dns: { address: '127.0.0.1', port: queryPort },
      only: true,
    },
  }
}

export interface ConfigurationInit {
  readonly roles: readonly SelfRole[]
  readonly players: SelfPlayers
  readonly ca: SelfCa | undefined
  readonly ipv6: boolean
}

/** The servers' configuration file; JSON is YAML. The files that it names lie beside it. */
export function configuration({ roles, players, ca, ipv6 }: ConfigurationInit): string {
  const listen = ['/ip4/127.0.0.1/tcp/0', ...(ipv6 ? ['/ip6/::1/tcp/0'] : [])]
  const sections = {
    proof: {
      identityFile: 'proof.key',
      proofKeyFile: 'proof-signing.key',
      listen: [...listen, '/ip4/127.0.0.1/tcp/0/ws'],
      display: 'self',
      rateLimit: RATE_LIMIT,
    },
    dns: {
      identityFile: 'dns.key',
      listen,
      dnsListen: [
        { address: '127.0.0.1', port: 0 },
        ...(ipv6 ? [{ address: '::1', port: 0 }] : []),
      ],
      nameServers: [
        { name: `ns1.${SELF_ZONE}`, addresses: ['127.0.0.1', ...(ipv6 ? ['::1'] : [])] },
      ],
      writers: [players.writer.peerId],
      caa: [{ tag: 'issue', value: 'pebble.letsencrypt.org' }],
    },
    issue: {
      identityFile: 'issue.key',
      listen,
      proofServers: [{ local: true }],
      proofKeys: [players.proof.publicKey],
      dnsServers: [
        // The suite's own and no other: an order then shows what the issue server makes of each of its answers.
        {
          addresses: [`/ip4/127.0.0.1/tcp/${players.libp2pPort}/p2p/${players.dns.peerId}`],
          query: { address: '127.0.0.1', port: players.queryPort },
        },
      ],
      acme: {
        // The suite's, which hands on to the CA and sees what is asked of it.
        directoryUrl: `https://${LOOPBACK}:${players.acmePort}${new URL(ca?.directoryUrl ?? 'https://a/').pathname}`,
        certificateAuthorityFile: CA_FILE,
        termsOfServiceAgreed: true,
      },
      storePath: 'issue.sqlite',
      allowPrivateAddresses: true,
      orderTimeoutMs: ORDER_TIMEOUT_MS,
      rateLimit: RATE_LIMIT,
      budgets: 'none',
    },
  }
  return JSON.stringify(
    {
      zone: SELF_ZONE,
      ...Object.fromEntries(roles.map((role) => [role, sections[role]])),
    },
    undefined,
    2,
  )
}

export const CA_FILE = 'ca.pem'

/** The key files that a configuration of these roles names. */
export function keyFiles(roles: readonly SelfRole[]): readonly string[] {
  return roles.flatMap((role) =>
    role === 'proof' ? ['proof.key', PROOF_KEY_FILE] : [`${role}.key`],
  )
}

/** Signs proofs: another key than the proof server's identity (NT-PROOF-006). */
export const PROOF_KEY_FILE = 'proof-signing.key'

/** Whether this machine has IPv6 on its loopback. */
export async function hasIpv6(): Promise<boolean> {
  const socket = createSocket('udp6')
  try {
    socket.bind(0, '::1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
