import type {
  ComponentLogger,
  Libp2pEvents,
  PeerDiscoveryEvents,
  PeerId,
  TypedEventTarget,
} from '@libp2p/interface'
import type {
  AddressManager,
  ConnectionManager,
  TransportManager,
} from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import type { RefusalCode } from '../wire/errors.ts'
import type { FailureDetail } from './errors.ts'
import type { RetryLimits } from './renewal.ts'

/** Options of {@link nodetrust}. */
export interface NodetrustInit {
  /** Multiaddrs of issue servers, each ending in `/p2p/<id>`. The next is asked when one gives no certificate. */
  readonly issueServers: readonly Multiaddr[]
  /** Make our own P-256 key and send a CSR; without it the issue server makes an RSA key. @default true */
  readonly csr?: boolean
  /** Obtain and renew without being asked. @default true */
  readonly autoStart?: boolean
  /** The port that others reach the secure listener at, where it is not the listener's own; at all its addresses. */
  readonly announcePort?: number
  /**
   * Announce on pubsub while there is a certificate. Nobody finds out whether a port can be reached: where none can,
   * behind a NAT without a forwarded port, say false. @default true
   */
  readonly announce?: boolean
  /** The topic to announce on; both known spellings are listened to. @default '_nodetrust_discovery_v2' */
  readonly announceTopic?: string
  /** Between two announcements, in ms. @default 10 s */
  readonly announceIntervalMs?: number
  /** Name of the pubsub service among the node's services; without such a service nothing is announced. @default 'pubsub' */
  readonly pubsub?: string
  /** Believe announcements of private addresses, for networks that have no others. @default false */
  readonly allowPrivateAddresses?: boolean
  /** For each question to an issue or proof server, connecting included, in ms. @default 10 s (NT-CLIENT-004) */
  readonly requestTimeoutMs?: number
  /** For an issue server's answer, which waits for a CA, in ms. @default 150 s */
  readonly issueTimeoutMs?: number
  /**
   * Waiting times after failures. Until an address of a family that could not be proven is asked for again it is 60
   * times the first, doubling up to 24 times the longest. @default 5 s, doubling up to 1 h
   */
  readonly retry?: Partial<RetryLimits>
  /** The shortest time between two checks of whether our address has changed, in ms. @default 60 s */
  readonly addressCheckIntervalMs?: number
}

/** A certificate, as events tell of it. */
export interface CertificateDetail {
  /** The id0 name, then the address names. */
  readonly names: readonly string[]
  /** Distinguished name of the CA. */
  readonly issuer: string
  readonly serial: string
  /** In ms since 1970. */
  readonly notBefore: number
  /** In ms since 1970. */
  readonly notAfter: number
  /** Whether it is the one of an earlier start. */
  readonly fromStore: boolean
}

/**
 * What the client tells those who watch it. A stored certificate is served before the node's start has ended: to hear
 * of that one too, create the node with `start: false`, listen, and start it.
 */
export interface NodetrustEvents extends PeerDiscoveryEvents {
  /** The first certificate since the start. */
  'certificate:obtained': CustomEvent<CertificateDetail>
  /** A certificate that takes the place of another. */
  'certificate:renewed': CustomEvent<CertificateDetail>
  /** No certificate, or no new one; `retryAt` (ms since 1970) is absent where nobody will try again. */
  'certificate:failed': CustomEvent<FailureDetail & { readonly retryAt?: number }>
  /** The certificate has lapsed and is neither served nor announced any more. */
  'certificate:expired': CustomEvent<Omit<CertificateDetail, 'fromStore'>>
  /** An issue server says when the CA wants the certificate renewed; in ms since 1970. */
  'renewal:advised': CustomEvent<{ readonly serial: string; readonly renewAt: number }>
  'proof:received': CustomEvent<{ readonly server: string; readonly addresses: readonly string[] }>
  'proof:failed': CustomEvent<{ readonly server: string; readonly reason: string }>
  /** The addresses under which the node can be reached securely are others; none after a stop. */
  'addresses:changed': CustomEvent<{ readonly addresses: readonly string[] }>
  /** Published; `recipients` counts the neighbours that it was sent to. */
  announced: CustomEvent<{ readonly addresses: readonly string[]; readonly recipients: number }>
}

/** What the client takes from its libp2p node. */
export interface NodetrustComponents {
  readonly peerId: PeerId
  readonly datastore: Datastore
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly connectionManager: ConnectionManager
  readonly transportManager: TransportManager
  readonly addressManager: AddressManager
  readonly logger: ComponentLogger
}

export type { FailureDetail, RefusalCode, RetryLimits }
