/**
 * What a client can be asked to do, in NT_TESTCASE. Few, so that they are soon written; what the servers then do to the
 * client is not told.
 */
export const TEST_CASES = ['obtain', 'serve', 'discover'] as const
export type TestCase = (typeof TEST_CASES)[number]

/** What a client is told; README.md beside this file says it for those who write one. */
export interface Told {
  readonly testcase: TestCase
  /** Multiaddr that ends in /p2p. */
  readonly issueAddress: string
  readonly discoveryPeers: readonly string[]
  readonly outFolder: string
  readonly stateFolder: string
  /** PEM of the root under which the issue server issues. */
  readonly caFile: string
  /** Multiaddr of a TCP port. */
  readonly listen: string
  readonly timeoutSeconds: number
  readonly privateAddresses: boolean
}

export function environmentOf(told: Told): Readonly<Record<string, string>> {
  return {
    NT_TESTCASE: told.testcase,
    NT_ISSUE_ADDR: told.issueAddress,
    NT_DISCOVERY_PEERS: told.discoveryPeers.join(','),
    NT_OUT_DIR: told.outFolder,
    NT_STATE_DIR: told.stateFolder,
    NT_CA_FILE: told.caFile,
    NT_LISTEN: told.listen,
    NT_TIMEOUT: String(told.timeoutSeconds),
    NT_PRIVATE_ADDRESSES: told.privateAddresses ? '1' : '0',
  }
}

/** What a client writes to NT_OUT_DIR. */
export const OUT_FILES = {
  /** PEM: the leaf, then what signed it. */
  certificate: 'certificate.pem',
  /** PEM. */
  key: 'key.pem',
  /** Why there is no certificate. */
  error: 'error.txt',
  /** A JSON object a line: `{"id": "12D3…", "addresses": ["/dns4/…"]}`. */
  peers: 'peers.jsonl',
} as const
