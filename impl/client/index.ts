import { NodetrustClient } from './client.ts'
import type { NodetrustComponents, NodetrustInit } from './init.ts'

/**
 * A libp2p service that makes its node reachable from browsers: it proves the node's addresses, obtains a certificate
 * for their names, serves it on the node's WebSocket listeners, announces the node and discovers others.
 *
 * The node needs a listener on `/ip4/…/tcp/<port>/ws` (or `/ip6/…`), and a pubsub service to announce and discover.
 *
 * @example
 * const node = await createLibp2p({
 *   addresses: { listen: ['/ip4/0.0.0.0/tcp/4002/ws'] },
 *   transports: [tcp(), webSockets()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()],
 *   services: {
 *     identify: identify(),
 *     pubsub: gossipsub(),
 *     nodetrust: nodetrust({ issueServers: [multiaddr('/dns4/issue.example/tcp/4001/p2p/12D3…')] }),
 *   },
 * })
 * node.services.nodetrust.addEventListener('certificate:obtained', ({ detail }) => …)
 */
export function nodetrust(
  init: NodetrustInit,
): (components: NodetrustComponents) => NodetrustClient {
  return (components) => new NodetrustClient(components, init)
}

export { NodetrustClient } from './client.ts'
export { CertificateError, NoProofError, type ProofFailure } from './errors.ts'
export type { Certificate } from './check.ts'
export type {
  CertificateDetail,
  FailureDetail,
  NodetrustComponents,
  NodetrustEvents,
  NodetrustInit,
  RetryLimits,
} from './init.ts'
