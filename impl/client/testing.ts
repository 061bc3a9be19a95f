// What the tests of this folder build their worlds from: a CA, scripted servers, and nodes on loopback.
import 'reflect-metadata'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Connection, Libp2p, Logger, PrivateKey, ServiceMap, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import * as x509 from '@peculiar/x509'
import type { Datastore } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { webcrypto } from 'node:crypto'
import { parseAddress } from '../wire/addresses.ts'
import { id0Name, addressName } from '../wire/names.ts'
import { signProof } from '../wire/proofs.ts'
import {
  ISSUE_INFO_PROTOCOL,
  ISSUE_PROTOCOL,
  PROOF_PROTOCOL,
  RENEWAL_PROTOCOL,
} from '../wire/protocols.ts'
import { streamServer } from '../wire/serve.ts'
import {
  IssueInfo,
  IssueRequest,
  IssueResponse,
  Proof,
  ProofResponse,
  ProofWrapper,
  RenewalRequest,
  RenewalResponse,
} from '../wire/messages.ts'
import { nodetrust, type NodetrustClient, type NodetrustInit } from './index.ts'

const crypto = webcrypto
const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const

export const ZONE = 'nt.example'
export const DAY_MS = 86_400_000

/** A libp2p logger that says nothing. */
export const silentLogger: Logger = Object.assign(() => {}, {
  enabled: false,
  error: () => {},
  trace: () => {},
  newScope: () => silentLogger,
})

/** What a test certificate is made from. */
export interface LeafParts {
  readonly names: readonly string[]
  readonly publicKey: x509.PublicKeyType
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** What the leaf says of its issuer. @default the intermediate's name */
  readonly issuer?: string
}

/** A root and an intermediate, which signs what it is told to. */
export interface TestAuthority {
  readonly root: string
  readonly intermediate: string
  /** The leaf in PEM. */
  sign(parts: LeafParts): Promise<string>
}

export async function createAuthority(name = 'Test'): Promise<TestAuthority> {
  const rootKeys = await createKeys()
  const keys = await createKeys()
  const authority = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ]
  const validity = {
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
  }
  const root = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${name} Root`,
      issuer: `CN=${name} Root`,
      publicKey: rootKeys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: SIGNING,
      extensions: authority,
      ...validity,
    },
    crypto,
  )
  const intermediate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${name} Intermediate`,
      issuer: root.subject,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: SIGNING,
      extensions: authority,
      ...validity,
    },
    crypto,
  )
  return {
    root: `${root.toString('pem')}\n`,
    intermediate: `${intermediate.toString('pem')}\n`,
    async sign({ names, publicKey, issuer, ...dates }) {
      const leaf = await x509.X509CertificateGenerator.create(
        {
          issuer: issuer ?? intermediate.subject,
          publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: SIGNING,
          extensions: [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: 'dns' as const, value })),
              true,
            ),
          ],
          notBefore: dates.notBefore ?? new Date(Date.now() - 60_000),
          notAfter: dates.notAfter ?? new Date(Date.now() + 90 * DAY_MS),
        },
        crypto,
      )
      return `${leaf.toString('pem')}\n`
    },
  }
}

export async function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(EC, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
}

export async function privateKeyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey))
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`
}

/** A node that runs nothing but what the script says. */
export async function createServer(...listen: readonly string[]): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: listen.length > 0 ? [...listen] : ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // All tests come from one address, and more often than libp2p lets strangers in.
    connectionManager: { inboundConnectionThreshold: Infinity },
    services: { identify: identify() },
  })
}

/** Answers a proof request: with an encoded ProofResponse, with bytes as they are, or not at all. */
export type ProofScript = (
  connection: Connection,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined

/** A good proof that the caller was seen at these addresses. */
export function provenAt(server: () => Libp2p, ...addresses: readonly string[]): ProofScript {
  return async ({ remotePeer }) => {
    const wrapper = await signProof({
      id: remotePeer.toMultihash().bytes,
      addresses: addresses.map((text) => parseAddress(text) ?? { family: 4, address: text }),
      now: Date.now(),
      key: privateKeyOf(server()),
    })
    return ProofResponse.encode({ error: 0, proof: wrapper })
  }
}

function privateKeyOf(node: Libp2p): PrivateKey {
  return (node as unknown as { components: { privateKey: PrivateKey } }).components.privateKey
}

export async function serveProofs(node: Libp2p, script: ProofScript): Promise<void> {
  await node.handle(PROOF_PROTOCOL, async (stream: Stream, connection: Connection) => {
    const answer = await script(connection)
    if (answer === undefined) return
    const server = streamServer({
      serve: async (frames, _connection, signal) => await frames.write(answer, signal()),
    })
    await server.handler(stream, connection)
  })
}

/** What an issue server saw, and how it answers. */
export interface IssueScript {
  readonly proofServers: readonly Libp2p[]
  readonly answer: (request: IssueRequest, caller: Connection) => Promise<IssueResponse | undefined>
  /** @default the zone of all tests */
  readonly zone?: string
}

/** Serves both issue protocols, and counts the requests. */
export async function serveIssue(
  node: Libp2p,
  script: IssueScript,
): Promise<{ readonly requests: IssueRequest[] }> {
  const requests: IssueRequest[] = []
  const info = streamServer({
    serve: async (frames, _connection, signal) => {
      const proofs = script.proofServers.map((server, index) => ({
        id: server.peerId.toMultihash().bytes,
        addrs: server.getMultiaddrs().map(({ bytes }) => bytes),
        display: `proof server ${index}`,
      }))
      await frames.write(IssueInfo.encode({ domain: script.zone ?? ZONE, proofs }), signal())
    },
  })
  const issue = streamServer({
    serve: async (frames, connection, signal) => {
      const request = IssueRequest.decode((await frames.read(signal())) ?? new Uint8Array())
      requests.push(request)
      const answer = await script.answer(request, connection)
      if (answer !== undefined) await frames.write(IssueResponse.encode(answer), signal())
    },
  })
  await node.handle(ISSUE_INFO_PROTOCOL, info.handler)
  await node.handle(ISSUE_PROTOCOL, issue.handler)
  return { requests }
}

/** Tells when to renew: `answer` gets the serial number that was asked about. */
export async function serveRenewal(
  node: Libp2p,
  answer: (serial: string) => RenewalResponse,
): Promise<void> {
  const server = streamServer({
    serve: async (frames, _connection, signal) => {
      const { serial } = RenewalRequest.decode((await frames.read(signal)) ?? new Uint8Array())
      await frames.write(RenewalResponse.encode(answer(serial)), signal)
    },
  })
  await node.handle(RENEWAL_PROTOCOL, server.handler)
}

/** How a certificate that an issue server gives differs from a good one. */
export interface Flaws {
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly names?: (names: readonly string[]) => readonly string[]
  readonly keys?: webcrypto.CryptoKeyPair
  readonly response?: (response: IssueResponse) => IssueResponse
}

/** The names that a request proves, the id0 name first. */
export function provenNames(request: IssueRequest, caller: Connection): string[] {
  const addresses = request.proofs.flatMap((wrapper) =>
    Proof.decode(ProofWrapper.decode(wrapper).proof).addrs.map(({ address }) => address),
  )
  return [
    id0Name(caller.remotePeer.toMultihash().bytes, ZONE),
    ...new Set(addresses.map((address) => addressName(address, ZONE))),
  ]
}

/** The answer of an issue server that does as it should, but for its flaws. */
export async function certify(
  authority: TestAuthority,
  request: IssueRequest,
  caller: Connection,
  flaws: Flaws = {},
): Promise<IssueResponse> {
  const [idName = '', ...altnames] = provenNames(request, caller)
  const csr = request.csr === undefined ? undefined : new x509.Pkcs10CertificateRequest(request.csr)
  const own = flaws.keys ?? (csr === undefined ? await createKeys() : undefined)
  const leaf = await authority.sign({
    names: flaws.names?.([idName, ...altnames]) ?? [idName, ...altnames],
    publicKey: own?.publicKey ?? (csr?.publicKey as x509.PublicKey),
    ...(flaws.notBefore === undefined ? {} : { notBefore: flaws.notBefore }),
    ...(flaws.notAfter === undefined ? {} : { notAfter: flaws.notAfter }),
  })
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
  const response: IssueResponse = {
    error: 0,
    cert: bytes(leaf),
    ca: bytes(authority.intermediate),
    chain: bytes(leaf + authority.intermediate),
    key: bytes(csr === undefined && own !== undefined ? await privateKeyPem(own) : ''),
    cn: idName,
    altnames,
    validity: (flaws.notAfter ?? new Date(Date.now() + 90 * DAY_MS)).getTime(),
    fromCache: false,
    cryptoType: csr === undefined ? 1 : 2,
  }
  return flaws.response?.(response) ?? response
}

/** The services of a client node. */
export interface ClientServices extends ServiceMap {
  readonly identify: Identify
  readonly pubsub: GossipSub
  readonly nodetrust: NodetrustClient
}

/** A node with the client, on a WebSocket listener on loopback. */
export async function createClient(
  init: NodetrustInit,
  {
    listen = ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0'],
    ...node
  }: {
    readonly privateKey?: PrivateKey
    readonly datastore?: Datastore
    readonly listen?: readonly string[]
  } = {},
): Promise<Libp2p<ClientServices>> {
  return await createLibp2p<ClientServices>({
    ...node,
    addresses: { listen: [...listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Tests connect whom they want: nobody is dialled because he was announced.
    services: {
      identify: identify(),
      pubsub: gossipsub({ floodPublish: true }),
      nodetrust: nodetrust({ allowPrivateAddresses: true, ...init }),
    },
  })
}
