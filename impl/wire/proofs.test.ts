import { generateKeyPair, publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { isGlobalAddress, limitKeyOf, observedAddress, parseAddress } from './addresses.ts'
import { ProofWrapper } from './messages.ts'
import { signProof, verifyProof } from './proofs.ts'

const vectors = vectorGroups('proof_verify')

for (const [index, group] of vectors.entries()) {
  test(`proof_verify: ${group.keyType} proofs of group ${index + 1} are judged as the vectors say`, async (t) => {
    const keys = group.trustedKeys.map((key) => publicKeyFromProtobuf(Buffer.from(key, 'base64')))
    for (const vector of group.tests) {
      const verdict = await verifyProof(Buffer.from(vector.wrapperHex, 'hex'), {
        keys,
        callerId: Buffer.from(vector.callerIdHex, 'hex'),
        now: vector.now,
      })
      const name = `proof_verify ${vector.tcId} ${vector.req} ${vector.comment}: ${JSON.stringify(verdict)}`
      if (vector.result === 'acceptable') t.type(verdict.valid, 'boolean', name)
      else t.equal(verdict.valid, vector.result === 'valid', name)
    }
  })
}

test('NT-ISSUE-036 NT-PROOF-005 a proof of any trusted key and key type is valid, of another key not', async (t) => {
  const id = Buffer.from(vectors[0]?.tests[0]?.callerIdHex ?? '', 'hex')
  const stranger = await generateKeyPair('Ed25519')
  for (const type of ['Ed25519', 'secp256k1', 'RSA'] as const) {
    const key = await generateKeyPair(type as 'Ed25519')
    const wrapper = await signProof({
      id,
      addresses: [{ family: 4, address: '203.0.113.7' }],
      now: 1000,
      key,
    })
    const expected = { callerId: id, now: 1000 }
    t.match(
      await verifyProof(wrapper, { ...expected, keys: [stranger.publicKey, key.publicKey] }),
      { valid: true, addresses: [{ family: 4, address: '203.0.113.7' }] },
      type,
    )
    t.match(
      await verifyProof(wrapper, { ...expected, keys: [stranger.publicKey] }),
      { valid: false },
      type,
    )
    t.match(
      await verifyProof(wrapper, { ...expected, keys: [] }),
      { valid: false },
      `${type}, no key trusted`,
    )
  }
})

test('NT-ISSUE-017 what nobody signed is never used: bytes beside the canonical encoding make a proof invalid', async (t) => {
  const key = await generateKeyPair('Ed25519')
  const id = key.publicKey.toMultihash().bytes
  const wrapper = await signProof({ id, addresses: [], now: 0, key })
  const { proof, signature } = ProofWrapper.decode(wrapper)
  const extended = ProofWrapper.encode({
    proof: Buffer.concat([proof, Buffer.from('2001', 'hex')]),
    signature,
  })
  t.match(await verifyProof(extended, { keys: [key.publicKey], callerId: id, now: 0 }), {
    valid: false,
  })
  // Signed in that form, it is still not canonical.
  const odd = Buffer.concat([proof, Buffer.from('2001', 'hex')])
  const signedOdd = ProofWrapper.encode({ proof: odd, signature: await key.sign(odd) })
  t.match(await verifyProof(signedOdd, { keys: [key.publicKey], callerId: id, now: 0 }), {
    valid: false,
    reason: /canonical/,
  })
})

test('NT-PROOF-007 NT-PROOF-008 NT-PROOF-010 the observed address is that of the connection, or none', async (t) => {
  const peer = '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7'
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['/ip4/203.0.113.7/tcp/4001', '203.0.113.7'],
    [`/ip4/203.0.113.7/tcp/4001/p2p/${peer}`, '203.0.113.7'],
    ['/ip4/203.0.113.7/tcp/4001/ws', '203.0.113.7'],
    ['/ip4/203.0.113.7/udp/4001/quic-v1', '203.0.113.7'],
    ['/ip4/203.0.113.7/udp/4001/quic-v1/webtransport', '203.0.113.7'],
    ['/ip6/2001:DB8:0:0::1/tcp/4001', '2001:db8::1'],
    ['/ip6/::ffff:1.2.3.4/tcp/4001', '1.2.3.4'],
    ['/ip6/::1.2.3.4/tcp/4001', '::102:304'],
    [`/ip4/203.0.113.7/tcp/4001/p2p/${peer}/p2p-circuit`, undefined],
    [`/p2p/${peer}/p2p-circuit`, undefined],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/4001', undefined],
    ['/memory/a', undefined],
    ['/unix/a', undefined],
    ['/dns4/example.org/tcp/4001', undefined],
    ['/ip4/203.0.113.7', undefined],
  ]
  for (const [text, wanted] of cases)
    t.equal(observedAddress(multiaddr(text))?.address, wanted, text)
})

test('NT-ISSUE-016 only an IP address is one', async (t) => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '010.0.0.1',
    '1.2.3.4 ',
    'a.example',
    'fe80::1%eth0',
    '::1:',
    '1.2.3.4:80',
    '[::1]',
  ]) {
    t.equal(parseAddress(text), undefined, JSON.stringify(text))
  }
})

test('NT-ISSUE-034 private, loopback, documentation and other special addresses are not global', async (t) => {
  for (const address of ['8.8.8.8', '1.1.1.1', '2a00:1450::1'])
    t.ok(isGlobalAddress(address), address)
  for (const address of [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '203.0.113.7',
    '198.51.100.1',
    '192.0.2.1',
    '198.18.0.1',
    '240.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
    '64:ff9b::808:808',
    '::808:808',
    '4000::1',
    '2002::1',
    '::ffff:10.0.0.1',
    'x',
  ]) {
    t.notOk(isGlobalAddress(address), address)
  }
})

test('NT-PROOF-011 limits count IPv4 addresses and IPv6 networks of 64 bits', async (t) => {
  t.equal(limitKeyOf('203.0.113.7'), '203.0.113.7')
  t.equal(limitKeyOf('2001:db8::1'), limitKeyOf('2001:db8::ffff:1'))
  t.not(limitKeyOf('2001:db8::1'), limitKeyOf('2001:db8:0:1::1'))
})
