// What a proof says: whom it is about, when it was made, where its subject was seen, and who signed.
import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Case, Finding, KeyType } from '../../suite/case.ts'
import { addressBytes, addressText, frame, Proof, unmapped } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import {
  addressOf,
  connectIdentified,
  fail,
  familyOf,
  hex,
  loopbackAddress,
  needAddress,
  newCaller,
  same,
} from '../exchange.ts'
import { addressesText, getProof, type ReceivedProof } from './get-proof.ts'

const CLOCK_MS_MAX = 10_000
/** For documentation: no peer is ever seen there (RFC 5737). */
const CLAIMED_ADDRESS = '203.0.113.9'

export const STATEMENT_CASES: readonly Case[] = [
  {
    id: 'NT-PROOF-001/answer',
    title: 'a proof server answers a stream with error 0 and one proof',
    role: 'proof',
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        shows: 'a frame that begins with 08 00 12: error 0 and a proof',
      }),
    async run(context) {
      await getProof(context, { caller: await newCaller(context) })
    },
  },
  ...(['Ed25519', 'RSA', 'secp256k1'] as const).map(idCase),
  {
    id: 'NT-PROOF-002/nothing-that-the-caller-says',
    title: 'a proof is about the authenticated caller, whatever the caller sends',
    role: 'proof',
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        bytes: frame(foreignProof()),
        shows: 'a proof with the id of the peer that sends this, and not 1220 aa…',
      }),
    async run(context) {
      const caller = await newCaller(context)
      const proof = await getProof(context, { caller, noise: frame(foreignProof()) })
      expectId(proof, caller.id)
      expectNoClaim(proof)
    },
  },
  {
    id: 'NT-PROOF-003/milliseconds',
    title: 'the timestamp is the time of the answer in milliseconds since 1970',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'field 2 of the Proof is the time now, in ms' }),
    async run(context) {
      const caller = await newCaller(context)
      const before = Date.now()
      const { proof } = await getProof(context, { caller })
      const [from, to] = [before - CLOCK_MS_MAX, Date.now() + CLOCK_MS_MAX]
      if (proof.timestamp >= from && proof.timestamp <= to) return
      fail(
        `a timestamp in ms within ${CLOCK_MS_MAX} ms of now, from ${from} to ${to}`,
        `${proof.timestamp}`,
      )
    },
  },
  addressCase({
    id: 'NT-PROOF-004/ipv4-connection',
    title: 'over IPv4 the proof has the one IPv4 address that the connection comes from',
    wish: { family: 4 },
  }),
  addressCase({
    id: 'NT-PROOF-004/ipv6-connection',
    title: 'over IPv6 the proof has the one IPv6 address that the connection comes from',
    wish: { family: 6 },
    needs: ['ipv6'],
  }),
  addressCase({
    id: 'NT-PROOF-004/websocket-connection',
    title: 'over WebSockets the proof has the address that the connection comes from',
    wish: { transport: 'ws' },
  }),
  {
    id: 'NT-PROOF-004/observed-and-not-announced',
    title:
      'the proof has the observed address, and none that the caller announces through identify',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'the address that you come from, and no other' }),
    async run(context) {
      const caller = await newCaller(context, { announce: [`/ip4/${CLAIMED_ADDRESS}/tcp/4001`] })
      const address = needAddress(context.target, 'proof')
      const { connection } = await connectIdentified(context, caller, address)
      expectNoClaim(await getProof(context, { caller, connection }))
    },
  },
  {
    id: 'NT-PROOF-008/mapped-address-is-ipv4',
    title: 'a connection over IPv4 is proven as IPv4, also where the socket is one of IPv6',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'type 1 and dotted decimal, never ::ffff:…' }),
    async run(context): Promise<Finding | void> {
      const address = addressOf(context.target, 'proof', { family: 4 })
      if (address === undefined)
        return { verdict: 'unsupported', reason: 'the proof server has no IPv4 address' }
      const proof = await getProof(context, { caller: await newCaller(context), address })
      const mapped = proof.proof.addrs.some(
        ({ type, address: text }) => type !== 1 || text.includes(':'),
      )
      if (mapped) fail('an address of type 1 (IPv4) in dotted decimal', addressesText(proof))
    },
  },
  {
    id: 'NT-PROOF-010/canonical-text',
    title:
      'addresses are written as RFC 5952 and dotted decimal have it, in canonically encoded proofs',
    role: 'proof',
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'lower case, no zone id, no leading zeros' }),
    async run(context) {
      const ipv6 = addressOf(context.target, 'proof', { family: 6 })
      const address = ipv6 ?? needAddress(context.target, 'proof')
      const caller = await newCaller(context, { family: ipv6 === undefined ? 4 : 6 })
      const received = await getProof(context, { caller, address })
      for (const { address: text } of received.proof.addrs) {
        const bytes = addressBytes(text)
        const canonical = bytes === undefined ? undefined : addressText(unmapped(bytes))
        if (canonical !== text) fail(`the address "${canonical ?? 'of the caller'}"`, `"${text}"`)
      }
    },
  },
  {
    id: 'NT-PROOF-005/canonical-encoding',
    title: 'the signed bytes are the canonical encoding of the Proof',
    role: 'proof',
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        shows: 'id, timestamp and addrs in this order, and nothing else',
      }),
    async run(context) {
      const { proof, bytes } = await getProof(context, { caller: await newCaller(context) })
      const canonical = Proof.encode(proof)
      if (!same(canonical, bytes)) fail(`the Proof as ${hex(canonical)}`, hex(bytes))
    },
  },
  {
    id: 'NT-PROOF-005/signature',
    title: "the proof is signed with the server's proof key over the bytes of the Proof",
    role: 'proof',
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        shows: 'field 2 of the ProofWrapper is the signature over field 1',
      }),
    async run(context): Promise<Finding | void> {
      const { proofKey } = context.target.proof[0] ?? {}
      if (proofKey === undefined)
        return { verdict: 'unsupported', reason: 'the target does not name the proof key' }
      const key = publicKeyFromProtobuf(Buffer.from(proofKey, 'base64'))
      const { bytes, signature } = await getProof(context, { caller: await newCaller(context) })
      const signed = await Promise.try(() => key.verify(bytes, signature)).catch(() => false)
      if (!signed) {
        fail(
          `a signature of the ${key.type} proof key over the bytes of the Proof`,
          `the signature ${hex(signature)} over ${hex(bytes)}, which does not verify`,
        )
      }
    },
  },
  {
    id: 'NT-PROOF-015/private-address',
    title:
      'private and loopback addresses may be signed: what is certified is for the issue server to say',
    role: 'proof',
    level: 'MAY',
    needs: ['private-addresses'],
    byHand: (target) =>
      send(target, { protocol: 'proof', shows: 'from a private address a proof, or error 9' }),
    async run(context): Promise<Finding> {
      const proof = await getProof(context, { caller: await newCaller(context) })
      return { verdict: 'info', reason: `signed ${addressesText(proof)}` }
    },
  },
]

function idCase(keyType: KeyType): Case {
  return {
    id: `NT-PROOF-002/${keyType.toLowerCase()}-caller`,
    title: `the id of a proof is the multihash of the caller, here one with an ${keyType} key`,
    role: 'proof',
    keyType,
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        keyType,
        shows:
          'field 1 of the Proof is the multihash of the peer id that it is "connected as", base58 there',
      }),
    async run(context) {
      const caller = await newCaller(context, { keyType })
      expectId(await getProof(context, { caller }), caller.id)
    },
  }
}

function addressCase({
  id,
  title,
  wish,
  needs,
}: Pick<Case, 'id' | 'title' | 'needs'> & {
  readonly wish: NonNullable<Parameters<typeof addressOf>[2]>
}): Case {
  return {
    id,
    title,
    role: 'proof',
    ...(needs === undefined ? {} : { needs }),
    byHand: (target) =>
      send(target, {
        protocol: 'proof',
        at: wish,
        shows: `one address, of type ${wish.family === 6 ? '2 (IPv6)' : '1 (IPv4) where you call by IPv4'}: the one that your connection comes from`,
      }),
    async run(context): Promise<Finding | void> {
      const address = addressOf(context.target, 'proof', wish)
      if (address === undefined)
        return { verdict: 'unsupported', reason: 'the proof server has no such address' }
      const family = familyOf(address)
      // What is bound is what the server sees, unless something between rewrites it.
      const bound = wish.transport === 'ws' || family === 6 ? undefined : loopbackAddress(context)
      const caller = await newCaller(context, {
        family,
        ...(bound === undefined ? {} : { sourceAddress: bound }),
      })
      expectObserved(await getProof(context, { caller, address }), { family, bound })
    },
  }
}

function expectObserved(
  received: ReceivedProof,
  { family, bound }: { readonly family: 4 | 6 | undefined; readonly bound: string | undefined },
): void {
  const [first, ...more] = received.proof.addrs
  const bytes = first === undefined ? undefined : addressBytes(first.address)
  const seen = bytes?.length === 4 ? 4 : 6
  const right =
    first !== undefined &&
    more.length === 0 &&
    bytes !== undefined &&
    first.type === (seen === 4 ? 1 : 2) &&
    (family === undefined || seen === family) &&
    (bound === undefined || first.address === bound)
  if (right) return
  const what = family === undefined ? 'IP' : `IPv${family}`
  const which = bound === undefined ? '' : `, "${bound}"`
  fail(
    `one ${what} address without a port and of its type: the one that the connection comes from${which}`,
    addressesText(received),
  )
}

function expectId({ proof }: ReceivedProof, id: Uint8Array): void {
  if (!same(proof.id, id)) fail(`the caller's multihash ${hex(id)} as id`, hex(proof.id))
}

function expectNoClaim(received: ReceivedProof): void {
  if (received.proof.addrs.some(({ address }) => address.includes(CLAIMED_ADDRESS))) {
    fail(
      'the address that the connection comes from, and none that the caller claims',
      addressesText(received),
    )
  }
}

/** A proof about somebody else, as a caller might claim one. */
function foreignProof(): Uint8Array {
  const id = Uint8Array.from([0x12, 0x20, ...new Uint8Array(32).fill(0xaa)])
  return Proof.encode({ id, timestamp: 0, addrs: [{ type: 1, address: CLAIMED_ADDRESS }] })
}
