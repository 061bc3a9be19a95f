import type { Capability, KeyType } from './case.ts'

/** What a stranger must tell us of the servers that are to be checked. Made of a JSON file by `readTarget`. */
export interface Target {
  /** Shown in reports. */
  readonly name: string
  /** Lower case, no dot at its ends. */
  readonly zone: string
  readonly capabilities: readonly Capability[]
  /** Of peers that the servers can talk with; Ed25519 is among them. @default all */
  readonly keyTypes?: readonly KeyType[]
  /** All authoritative DNS servers of the zone. */
  readonly dns: readonly DnsTarget[]
  /** Where challenges are set; absent where the suite shall not. */
  readonly dns01?: Dns01Target
  readonly proof: readonly ProofTarget[]
  readonly issue?: IssueTarget
  /** The CA that the issue server uses, to check chains against it. */
  readonly acme?: AcmeTarget
  /** What the suite plays itself, and how the servers under test know it. */
  readonly players?: Players
  /** A client, which the suite plays servers for; never in a file. */
  readonly client?: ClientTarget
}

/** A client under test: a program that is run once for each case. */
export interface ClientTarget {
  /** A line for a shell. */
  readonly exec: string
  /** Of each run, what the client wrote and printed. */
  readonly folder: string
  /** What it gets beside the variables of its test case. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface DnsTarget {
  readonly address: string
  readonly port: number
}

export interface Dns01Target {
  /** Multiaddrs that end in /p2p/<peer id>. */
  readonly addresses: readonly string[]
  /** Of a peer that may write: libp2p private key (protobuf), base64. Secret. */
  readonly writerKey?: string
}

export interface ProofTarget {
  /** Multiaddrs that end in /p2p/<peer id>. */
  readonly addresses: readonly string[]
  /** libp2p public key (protobuf), base64, of the key that proofs are signed with. */
  readonly proofKey?: string
}

export interface IssueTarget {
  /** Multiaddrs that end in /p2p/<peer id>. */
  readonly addresses: readonly string[]
}

export interface AcmeTarget {
  readonly directoryUrl: string
  /** PEM of the roots that certificates chain to. */
  readonly roots: readonly string[]
}

export interface Players {
  /** The issue server's ACME directory is that of the suite, which hands on to a CA. */
  readonly acme?: {
    /** The issue server's directory is at this address and port, with the path of the CA's own. */
    readonly listen: DnsTarget
    /** PEM of what the suite's HTTPS is served with: the issue server has to trust it. */
    readonly certificate: string
    /** PEM (PKCS#8). Secret. */
    readonly privateKey: string
    /** A CA that builds its URLs from the Host header, as Pebble does. */
    readonly upstream: {
      readonly directoryUrl: string
      /** PEM that the CA's own HTTPS certificate is verified with. @default Node's own roots */
      readonly certificateAuthority?: string
    }
  }
  /** The issue server trusts proofs signed with this key: libp2p private key (protobuf), base64. Secret. */
  readonly proofKey?: string
  /** The issue server writes challenges to this peer, besides or instead of real DNS servers. */
  readonly dns?: {
    /** libp2p private key (protobuf), base64: gives the peer id that the issue server was told. Secret. */
    readonly peerKey: string
    /** Multiaddrs to listen on, without /p2p. */
    readonly listen: readonly string[]
    /** Where this player answers DNS queries. */
    readonly dns: DnsTarget
    /**
     * The issue server writes to no other DNS server, and the CA asks this one: what the player refuses then fails the
     * order.
     */
    readonly only?: true
  }
}
