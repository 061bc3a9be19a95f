// An issue server that the suite plays for a client under test. Its CA is thrown away with the run.
import { generateKeyPairSync } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import {
  addressName,
  CRYPTO,
  frame,
  id0Name,
  IssueInfo,
  IssueRequest,
  IssueResponse,
  Proof,
  ProofWrapper,
  PROTOCOLS,
  rawStream,
  readCsr,
  type ProofServer,
  type RawStream,
  type Tap,
} from '../wire/index.ts'
import { openCaller } from './caller.ts'
import { spki, type IssuedCertificate, type PlayedCa } from './certificate-authority.ts'

/** What a script has in its hand when a client asks for a certificate. */
export interface IssueAsked {
  readonly stream: RawStream
  readonly request: IssueRequest
  /** How many requests have come, this one included. */
  readonly count: number
  /** The id0 name of the client. */
  readonly idName: string
  /** Of the addresses in its proofs, each once. */
  readonly addressNames: readonly string[]
  /** A certificate for the client's key, or for one that is made here; right, unless something is changed. */
  readonly certify: (changed?: Changed) => Certified
  /** The answer that hands a certificate out; right, unless something is changed. */
  readonly answer: (certified?: Certified) => IssueResponse
  readonly send: (response: IssueResponse) => void
}

/** What is different about a certificate. */
export interface Changed {
  readonly names?: readonly string[]
  readonly notBefore?: number
  readonly notAfter?: number
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey?: Uint8Array
  /** The key is made by the server although there is a CSR, as servers do that do not know of CSRs. */
  readonly keyOfServer?: true
}

export interface Certified extends IssuedCertificate {
  /** PEM of a key that was made here; empty where the client has its own. */
  readonly key: string
}

export type IssueScript = (asked: IssueAsked) => Promise<void> | void
/** Answers who asks for the info; `info` is the right answer. */
export type InfoScript = (asked: {
  readonly stream: RawStream
  readonly info: IssueInfo
}) => Promise<void> | void

export interface PlayedIssue {
  /** Ends in its /p2p. */
  readonly address: string
  close(): Promise<void>
}

export interface PlayedIssueInit {
  readonly zone: string
  readonly ca: PlayedCa
  readonly proofServers: readonly ProofServer[]
  readonly info: InfoScript
  readonly issue: IssueScript
  readonly tap: (channel: string) => Tap
  readonly onInfo: () => void
  readonly onRequest: (request: IssueRequest, callerId: Uint8Array) => void
  /** Something came that is no request. */
  readonly onNonsense: (bytes: Uint8Array) => void
}

/** Nothing is waited for longer by a player: clients end before. */
const REQUEST_MS_MAX = 60_000

export async function openPlayedIssue(init: PlayedIssueInit): Promise<PlayedIssue> {
  const caller = await openCaller({ listen: ['/ip4/127.0.0.1/tcp/0'] })
  let count = 0
  const open = (protocol: string, stream: Stream, connection: Connection): RawStream =>
    rawStream(
      stream,
      connection,
      init.tap(`${protocol} ${connection.remotePeer.toString()} to ${caller.peerId}`),
    )
  const info = async (stream: Stream, connection: Connection): Promise<void> => {
    const raw = open(PROTOCOLS.info, stream, connection)
    init.onInfo()
    await init.info({ stream: raw, info: { domain: init.zone, proofs: init.proofServers } })
  }
  const issue = async (stream: Stream, connection: Connection): Promise<void> => {
    const raw = open(PROTOCOLS.issue, stream, connection)
    const { message } = await raw.next(AbortSignal.timeout(REQUEST_MS_MAX))
    if (message === undefined) return
    const callerId = connection.remotePeer.toMultihash().bytes
    let request: IssueRequest
    let addresses: readonly string[]
    try {
      request = IssueRequest.decode(message)
      addresses = request.proofs.flatMap((wrapper) =>
        Proof.decode(ProofWrapper.decode(wrapper).proof).addrs.map(({ address }) => address),
      )
    } catch {
      init.onNonsense(message)
      raw.reset()
      return
    }
    count += 1
    init.onRequest(request, callerId)
    await init.issue(
      makeAsked({
        init,
        stream: raw,
        request,
        count,
        callerId,
        addresses: [...new Set(addresses)],
      }),
    )
  }
  await caller.node.handle(PROTOCOLS.info, (stream, connection) => {
    info(stream, connection).catch((error: Error) => stream.abort(error))
  })
  await caller.node.handle(PROTOCOLS.issue, (stream, connection) => {
    issue(stream, connection).catch((error: Error) => stream.abort(error))
  })
  return {
    address: String(caller.node.getMultiaddrs()[0]),
    close: () => caller.close(),
  }
}

function makeAsked({
  init,
  stream,
  request,
  count,
  callerId,
  addresses,
}: Pick<IssueAsked, 'stream' | 'request' | 'count'> & {
  readonly init: PlayedIssueInit
  readonly callerId: Uint8Array
  readonly addresses: readonly string[]
}): IssueAsked {
  const idName = id0Name(callerId, init.zone)
  const addressNames = addresses.flatMap((address) => {
    try {
      return [addressName(address, init.zone)]
    } catch {
      // A client that passes on an address that is none has been seen to do so.
      return []
    }
  })
  const certify = ({ keyOfServer, ...changed }: Changed = {}): Certified => {
    const own = keyOfServer === true ? undefined : request.csr
    const made = own === undefined ? makeRsaKey() : undefined
    const publicKey = made?.publicKey ?? readCsr(own ?? new Uint8Array(0)).publicKey
    const issued = init.ca.issue({ names: [idName, ...addressNames], publicKey, ...changed })
    return { ...issued, key: made?.pem ?? '' }
  }
  return {
    stream,
    request,
    count,
    idName,
    addressNames,
    certify,
    answer: (certified = certify()) => ({
      error: 0,
      cert: certified.leaf,
      chain: certified.leaf + certified.ca,
      ca: certified.ca,
      key: certified.key,
      cn: idName,
      altnames: addressNames,
      validity: certified.notAfter,
      fromCache: false,
      cryptoType: certified.key === '' ? CRYPTO.ECDSA_P256 : CRYPTO.RSA,
    }),
    send(response) {
      stream.send(frame(IssueResponse.encode(response)))
    },
  }
}

const RSA_BITS = 2048

/** As an issue server makes one for a client without a CSR. */
export function makeRsaKey(): { readonly publicKey: Uint8Array; readonly pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS })
  return {
    publicKey: spki(publicKey),
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
