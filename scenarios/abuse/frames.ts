import fc, { type Arbitrary } from 'fast-check'
import { wire } from '../../impl/index.ts'
import { ZONE } from './dns-packets.ts'
import { mutated, noise } from './inputs.ts'

/** What one protocol is attacked with, and what its answers have to be. */
export interface FrameKind {
  readonly protocol: string
  /** Messages as an honest peer sends them, without their length; none where it sends nothing. */
  readonly wellFormed: Arbitrary<Uint8Array>
  /** Throws when an answer is none of this protocol. */
  readonly checkAnswer: (message: Uint8Array) => void
}

const bytes = fc.uint8Array({ maxLength: 80 })
const multihash = fc
  .uint8Array({ minLength: 36, maxLength: 36 })
  .map((digest) => Uint8Array.of(0x00, 0x24, ...digest))
const address = fc.oneof(
  fc.record({ type: fc.constant(1), address: fc.ipV4() }),
  fc.record({ type: fc.constant(2), address: fc.ipV6() }),
)
const proof = fc
  .tuple(multihash, fc.nat(), fc.array(address, { maxLength: 3 }), bytes)
  .map(([id, timestamp, addrs, signature]) =>
    wire.ProofWrapper.encode({ proof: wire.Proof.encode({ id, timestamp, addrs }), signature }),
  )
const issueRequest = fc
  .tuple(
    fc.array(proof, { maxLength: 4 }),
    fc.array(fc.constantFrom(1, 2, 7), { maxLength: 3 }),
    fc.option(bytes, { nil: undefined }),
  )
  .map(([proofs, supportedCryptos, csr]) =>
    wire.IssueRequest.encode({
      proofs,
      supportedCryptos,
      ...(csr === undefined ? {} : { csr }),
    }),
  )
const renewalRequest = fc
  .stringMatching(/^[0-9a-f]{0,40}$/)
  .map((serial) => wire.RenewalRequest.encode({ serial }))
const dns01Request = fc
  .tuple(
    // Few names, so that what is set has soon been forgotten again.
    fc.oneof(
      fc.nat({ max: 49 }).map((octet) => `ip4192-0-2-${octet}.${ZONE}`),
      fc.constantFrom(ZONE, 'example.com', '', '..', `_acme-challenge.ip4192-0-2-1.${ZONE}`),
    ),
    fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  )
  .map(([fqdn, value]) => wire.DNS01Request.encode({ fqdn, value }))
const nothing = fc.constant(new Uint8Array())

const KNOWN_ERRORS: readonly number[] = Object.values(wire.ERROR_CODES)

function checkError({ error }: { readonly error: number }): void {
  if (!KNOWN_ERRORS.includes(error)) throw new Error(`an answer with error ${error}`)
}

/** Every protocol on which a server reads or answers. */
export const FRAME_KINDS = {
  proof: {
    protocol: wire.PROOF_PROTOCOL,
    wellFormed: nothing,
    checkAnswer: (message) => checkError(wire.ProofResponse.decode(message)),
  },
  'issue/info': {
    protocol: wire.ISSUE_INFO_PROTOCOL,
    wellFormed: nothing,
    checkAnswer: (message) => void wire.IssueInfo.decode(message),
  },
  issue: {
    protocol: wire.ISSUE_PROTOCOL,
    wellFormed: issueRequest,
    checkAnswer: (message) => checkError(wire.IssueResponse.decode(message)),
  },
  'issue/renewal': {
    protocol: wire.RENEWAL_PROTOCOL,
    wellFormed: renewalRequest,
    checkAnswer: (message) => checkError(wire.RenewalResponse.decode(message)),
  },
  'dns-01': {
    protocol: wire.DNS01_PROTOCOL,
    wellFormed: dns01Request,
    checkAnswer: (message) => checkError(wire.DNS01Response.decode(message)),
  },
  'dns-01/remove': {
    protocol: wire.DNS01_REMOVE_PROTOCOL,
    wellFormed: dns01Request,
    checkAnswer: (message) => checkError(wire.DNS01Response.decode(message)),
  },
} as const satisfies Record<string, FrameKind>

/** What an honest peer puts on the stream. */
export function honestFrame({ wellFormed }: FrameKind): Arbitrary<Uint8Array> {
  return wellFormed.map((message) => (message.length === 0 ? message : wire.encodeFrame(message)))
}

/** Wrong messages in right frames, wrong frames, several at once, and bytes that are nothing. */
export function hostileFrame(kind: FrameKind): Arbitrary<Uint8Array> {
  // Protocols on which nothing is read are told what belongs on another one.
  const wellFormed = kind.wellFormed === nothing ? issueRequest : kind.wellFormed
  const framed = wellFormed.map((message) => wire.encodeFrame(message))
  const length = fc.constantFrom(
    [0x80, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0x07],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x80, 0x80, 0x04],
    [0x81, 0x80, 0x04],
  )
  return fc.oneof(
    { weight: 5, arbitrary: mutated(wellFormed).map((message) => wire.encodeFrame(message)) },
    { weight: 3, arbitrary: mutated(framed) },
    {
      weight: 1,
      arbitrary: fc.array(framed, { minLength: 2, maxLength: 12 }).map((all) => Buffer.concat(all)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(length, wellFormed)
        .map(([prefix, message]) => Buffer.concat([Uint8Array.from(prefix), message])),
    },
    { weight: 1, arbitrary: fc.nat({ max: 40 }).map((count) => new Uint8Array(count)) },
    { weight: 1, arbitrary: noise(400) },
  )
}

/** Announcements: bare messages, since pubsub has frames of its own. */
export const announcement = fc
  .array(
    fc
      .constantFrom('/ip4/203.0.113.7/tcp/443/wss', '/dns4/example.com/tcp/443/tls/ws')
      .map((text) => new TextEncoder().encode(text)),
    { maxLength: 20 },
  )
  .map((addr) => wire.Announce.encode({ addr }))
export const hostileAnnouncement = fc.oneof(
  { weight: 6, arbitrary: mutated(announcement) },
  { weight: 1, arbitrary: announcement },
  { weight: 1, arbitrary: noise(4_200) },
)
