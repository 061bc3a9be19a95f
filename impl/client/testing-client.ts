// A client over real libp2p connections on loopback, against servers that follow a script, and its secure listener
// looked at with a TLS client that trusts the test CA only.
import 'reflect-metadata'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { connect, type PeerCertificate } from 'node:tls'
import { once } from 'node:events'
import { type IssueRequest, ProofResponse } from '../wire/messages.ts'
import type { NodetrustEvents } from './index.ts'
import {
  certify,
  createAuthority,
  createClient,
  createServer,
  provenAt,
  serveIssue,
  serveProofs,
  ZONE,
  type ClientServices,
  type Flaws,
  type IssueScript,
  type ProofScript,
} from './testing.ts'

/** As much of a test as a world needs. */
export interface Test {
  teardown(handler: () => unknown): void
}
export type Client = Libp2p<ClientServices>

export const ADDRESS = '203.0.113.7'
export const ADDRESS_NAME = `ip4203-0-113-7.${ZONE}`
export const authority = await createAuthority()

/** An issue server that trusts one proof server for each script. */
export async function createWorld(
  t: Test,
  options: {
    readonly proofs?: readonly ProofScript[]
    readonly flaws?: () => Flaws
    readonly answer?: IssueScript['answer']
  } = {},
) {
  const issue = await createServer()
  t.teardown(() => issue.stop())
  const proofServers: Libp2p[] = []
  const scripts = options.proofs ?? [provenAt(() => issue, ADDRESS)]
  for (const script of scripts) {
    const server = await createServer()
    t.teardown(() => server.stop())
    await serveProofs(server, script)
    proofServers.push(server)
  }
  const { requests } = await serveIssue(issue, {
    proofServers,
    answer:
      options.answer ??
      (async (request, caller) => await certify(authority, request, caller, options.flaws?.())),
  })
  return { issue, proofServers, requests, issueServers: issue.getMultiaddrs() }
}

export async function start(
  t: Test,
  ...parameters: Parameters<typeof createClient>
): Promise<Client> {
  const client = await createClient(...parameters)
  t.teardown(() => client.stop())
  return client
}

/** The next event of a type. */
export async function next<K extends keyof NodetrustEvents>(
  client: Client,
  type: K,
  accept: (detail: NodetrustEvents[K]['detail']) => boolean = () => true,
): Promise<NodetrustEvents[K]['detail']> {
  return await new Promise((resolve) => {
    const listener = (event: NodetrustEvents[K]): void => {
      if (!accept(event.detail)) return
      client.services.nodetrust.removeEventListener(type, listener as never)
      resolve(event.detail)
    }
    client.services.nodetrust.addEventListener(type, listener as never)
  })
}

export function idOf(privateKey: PrivateKey): string {
  return peerIdFromPrivateKey(privateKey).toString()
}

export function listenerPort(client: Client): number {
  const port = client.services.nodetrust.addresses[0]?.getComponents()[1]?.value
  return Number(port)
}

/** What a TLS handshake on the port shows to somebody who trusts the test CA only. */
export async function handshake(
  port: number,
  servername: string,
  host = '127.0.0.1',
): Promise<PeerCertificate> {
  const socket = connect({ host, port, servername, ca: [authority.root] })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate()
  } finally {
    socket.destroy()
  }
}

/** The keys that are to be certified, in hex. */
export function publicKeys(requests: readonly IssueRequest[]): string[] {
  return requests.map(({ csr }) => {
    const { publicKey } = new Pkcs10CertificateRequest(csr ?? new Uint8Array())
    return Buffer.from(publicKey.rawData).toString('hex')
  })
}

/** A proof server that never answers, and the moment when it is asked. */
export function createHanging(): { readonly hang: ProofScript; readonly asked: Promise<void> } {
  const asked = Promise.withResolvers<void>()
  const hang: ProofScript = () => {
    asked.resolve()
    return undefined
  }
  return { hang, asked: asked.promise }
}
export const refuse =
  (error: number): ProofScript =>
  () =>
    ProofResponse.encode({ error })
