import * as wire from '../../wire/index.ts'
import { draft, fromHex, toHex, type Draft } from './build.ts'
import { SeededRandom } from './random.ts'

const { frame, join } = wire

/** Messages that are written in one way only. */
export function writtenMessages(): readonly Draft[] {
  const random = new SeededRandom('frames')
  const id = join(Uint8Array.of(0x12, 0x20), random.bytes(32))
  const address = { type: 1, address: '192.0.2.1' }
  const proof = { id, timestamp: 0, addrs: [address] }
  const signature = random.bytes(64)
  const wrapper = wire.ProofWrapper.encode({ proof: wire.Proof.encode(proof), signature })
  const wrapperJson = { proof: { ...proof, id: toHex(id) }, signature: toHex(signature) }
  const csr = random.bytes(200)
  const multiaddr = fromHex('04cb00710706102f')
  const answer = {
    error: 0,
    cert: 'leaf\n',
    chain: 'leaf\nca\n',
    ca: 'ca\n',
    key: '',
    cn: 'pabc.nt.test',
    altnames: ['ip4192-0-2-1.nt.test', 'ip6--1.nt.test'],
    validity: 1_700_000_000_000,
    fromCache: false,
    cryptoType: 2,
  }
  return [
    message('Proof', 'timestamp 0', wrapperJson.proof, wire.Proof.encode(proof)),
    message(
      'Proof',
      'timestamp 2^53 - 1',
      { ...wrapperJson.proof, timestamp: Number.MAX_SAFE_INTEGER },
      wire.Proof.encode({ ...proof, timestamp: Number.MAX_SAFE_INTEGER }),
    ),
    message('ProofWrapper', '', wrapperJson, wrapper),
    message(
      'IssueRequest',
      'two proofs, a csr in field 16',
      { proofs: [wrapperJson, wrapperJson], supportedCryptos: [1], csr: toHex(csr) },
      wire.IssueRequest.encode({ proofs: [wrapper, wrapper], supportedCryptos: [1], csr }),
    ),
    message(
      'IssueRequest',
      'several key types, not packed',
      { proofs: [], supportedCryptos: [1, 2, 300] },
      wire.IssueRequest.encode({ proofs: [], supportedCryptos: [1, 2, 300] }),
    ),
    message('IssueRequest', 'nothing', { proofs: [], supportedCryptos: [] }, new Uint8Array(0)),
    message(
      'IssueResponse',
      'empty key, fromCache false',
      answer,
      wire.IssueResponse.encode(answer),
    ),
    ...[0, 1, 9].map((error) =>
      message('ProofResponse', `error ${error}`, { error }, wire.ProofResponse.encode({ error })),
    ),
    ...[1, 9].map((error) =>
      message('DNS01Response', `error ${error}`, { error }, wire.DNS01Response.encode({ error })),
    ),
    message(
      'IssueInfo',
      'no proof servers',
      { domain: 'nt.test', proofs: [] },
      wire.IssueInfo.encode({ domain: 'nt.test', proofs: [] }),
    ),
    message(
      'IssueInfo',
      'text beyond ASCII, two addresses',
      {
        domain: 'nt.test',
        proofs: [{ id: toHex(id), addrs: [toHex(multiaddr), toHex(multiaddr)], display: 'Köln 1' }],
      },
      wire.IssueInfo.encode({
        domain: 'nt.test',
        proofs: [{ id, addrs: [multiaddr, multiaddr], display: 'Köln 1' }],
      }),
    ),
    message(
      'RenewalRequest',
      '',
      { serial: '0123abcd' },
      wire.RenewalRequest.encode({ serial: '0123abcd' }),
    ),
    message(
      'RenewalResponse',
      'nothing is known',
      { error: 0 },
      wire.RenewalResponse.encode({ error: 0 }),
    ),
    message(
      'RenewalResponse',
      '',
      { error: 0, renewAt: 1_700_000_000_000 },
      wire.RenewalResponse.encode({ error: 0, renewAt: 1_700_000_000_000 }),
    ),
    message('Announce', 'no address', { addr: [] }, wire.Announce.encode({ addr: [] })),
    message(
      'Announce',
      '',
      { addr: [toHex(multiaddr)] },
      wire.Announce.encode({ addr: [multiaddr] }),
    ),
  ]
}

/** The field that a RenewalResponse got later. */
export function writtenAskAfter(): readonly Draft[] {
  const rows = [
    ['askAfter 0', { error: 0, askAfter: 0 }],
    ['askAfter of six hours', { error: 0, askAfter: 21_600_000 }],
    ['askAfter 2^53 - 1', { error: 0, renewAt: 1_700_000_000_000, askAfter: 2 ** 53 - 1 }],
  ] as const
  return rows.map(([comment, json]) =>
    message('RenewalResponse', comment, json, wire.RenewalResponse.encode(json)),
  )
}

function message(name: string, comment: string, json: unknown, bytes: Uint8Array): Draft {
  return draft('valid', 'NT-WIRE-002', 'Own', comment, {
    message: name,
    json,
    frameHex: toHex(frame(bytes)),
  })
}
