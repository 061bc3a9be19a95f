// What the tests of this folder are made of: libp2p nodes on loopback, proofs, requests, CSRs.
import 'reflect-metadata'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey, ServiceMap } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  AuthorityKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import type { TypedEventTarget } from 'main-event'
import { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parseAddress, type IpAddress } from '../wire/addresses.ts'
import { IssueRequest, IssueResponse } from '../wire/messages.ts'
import { addressName, id0Name } from '../wire/names.ts'
import { signProof } from '../wire/proofs.ts'
import { CLIENT_FRAME_LENGTH_MAX, ISSUE_PROTOCOL } from '../wire/protocols.ts'
import { frameStream } from '../wire/stream.ts'
import type { IssueServerEvents } from './events.ts'

export const ZONE = 'nt.example'
export const TEST_TIMEOUT_MS = 30_000

export const testSignal = (): AbortSignal => AbortSignal.timeout(TEST_TIMEOUT_MS)

/** A started node that listens on loopback, stopped after the test. */
export async function startNode<T extends ServiceMap>(
  t: Test,
  options: Libp2pOptions<T> = {},
): Promise<Libp2p<T>> {
  const node = await createLibp2p<T>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    // All nodes of a test share one address; libp2p's default is 5 new connections a second from one.
    connectionManager: { inboundConnectionThreshold: 1_000 },
    ...options,
  })
  t.teardown(() => node.stop())
  return node
}

/** The address of a node, with its id. */
export function addressOf(node: Libp2p): Multiaddr {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the node does not listen')
  return address
}

/** Somebody who asks for certificates: its key, names, and proofs of whatever the test wants. */
export async function makeCaller(
  proofKey: PrivateKey,
  type: 'Ed25519' | 'secp256k1' | 'RSA' = 'Ed25519',
) {
  const privateKey = await generateKeyPair(type as 'Ed25519')
  const id = privateKey.publicKey.toMultihash().bytes
  return {
    privateKey,
    id,
    proof: (addresses: readonly string[], options: ProofOptions = {}): Promise<Uint8Array> =>
      signProof({
        id: options.id ?? id,
        addresses: addresses.map(
          (address): IpAddress => parseAddress(address) ?? { family: 4, address },
        ),
        now: options.now ?? Date.now(),
        key: options.key ?? proofKey,
      }),
    names: (addresses: readonly string[]): readonly string[] => [
      id0Name(id, ZONE),
      ...addresses.map((address) => addressName(address, ZONE)),
    ],
  }
}

export interface ProofOptions {
  readonly id?: Uint8Array
  readonly now?: number
  readonly key?: PrivateKey
}

export type Caller = Awaited<ReturnType<typeof makeCaller>>

export interface CsrOptions {
  readonly algorithm?: Record<string, unknown>
  readonly commonName?: string
  readonly keys?: webcrypto.CryptoKeyPair
}

export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A CSR as a client makes it. */
export async function makeClientCsr(
  names: readonly string[],
  { algorithm = P256, commonName, keys }: CsrOptions = {},
): Promise<Uint8Array> {
  const pair = keys ?? (await makeKeys(algorithm))
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      keys: pair,
      signingAlgorithm: algorithm as never,
      ...(commonName === undefined ? {} : { name: [{ CN: [commonName] }] }),
      extensions:
        names.length === 0
          ? []
          : [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))],
    },
    webcrypto,
  )
  return new Uint8Array(request.rawData)
}

export async function makeKeys(
  algorithm: Record<string, unknown> = P256,
): Promise<webcrypto.CryptoKeyPair> {
  const uses = ['sign', 'verify'] as const
  return (await webcrypto.subtle.generateKey(
    algorithm as never,
    true,
    uses,
  )) as webcrypto.CryptoKeyPair
}

/** A certificate and its self-signed issuer, as a CA of a test makes them; both PEM. */
export async function makeCertificate(init: {
  readonly names: readonly string[]
  readonly publicKey: webcrypto.CryptoKey
  readonly now: number
  readonly lifetimeMs: number
}): Promise<{ readonly leaf: string; readonly issuer: string; readonly serial: string }> {
  const keys = await makeKeys()
  const dates = { notBefore: new Date(init.now), notAfter: new Date(init.now + init.lifetimeMs) }
  const root = await X509CertificateGenerator.createSelfSigned(
    { name: 'CN=test', keys, signingAlgorithm: P256, ...dates },
    webcrypto,
  )
  const leaf = await X509CertificateGenerator.create(
    {
      issuer: 'CN=test',
      publicKey: init.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: P256,
      extensions: [
        new SubjectAlternativeNameExtension(init.names.map((value) => ({ type: 'dns', value }))),
        await AuthorityKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
      ...dates,
    },
    webcrypto,
  )
  const pem = (certificate: { toString(format: 'pem'): string }): string =>
    `${certificate.toString('pem').trim()}\n`
  return { leaf: pem(leaf), issuer: pem(root), serial: leaf.serialNumber }
}

/** Sends requests on one stream and reads as many answers. */
export async function askForCertificates(
  node: Libp2p,
  server: Multiaddr,
  requests: readonly IssueRequest[],
): Promise<readonly IssueResponse[]> {
  const signal = testSignal()
  const stream = await node.dialProtocol(server, ISSUE_PROTOCOL, { signal })
  const frames = frameStream(stream, { lengthMax: CLIENT_FRAME_LENGTH_MAX })
  for (const request of requests) await frames.write(IssueRequest.encode(request), signal)
  await stream.close({ signal })
  const responses: IssueResponse[] = []
  for (;;) {
    const message = await frames.read(signal)
    if (message === undefined) return responses
    responses.push(IssueResponse.decode(message))
  }
}

/** Sends one request, returns its answer. */
export async function askForCertificate(
  node: Libp2p,
  server: Multiaddr,
  request: IssueRequest,
): Promise<IssueResponse> {
  const [response, more] = await askForCertificates(node, server, [request])
  if (response === undefined || more !== undefined) throw new Error('not one answer')
  return response
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodetrust-issue-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Resolves with the detail of the first such event that passes. */
export function nextEvent<K extends keyof IssueServerEvents>(
  server: TypedEventTarget<IssueServerEvents>,
  type: K,
  wanted: (detail: IssueServerEvents[K]['detail']) => boolean = () => true,
): Promise<IssueServerEvents[K]['detail']> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no event "${type}"`)), TEST_TIMEOUT_MS)
    server.addEventListener(type, ({ detail }) => {
      if (!wanted(detail)) return
      clearTimeout(timer)
      resolve(detail)
    })
  })
}
