// What a caller may have certified: proofs, key types, names and CSRs, without a network.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createPrivateKey, createPublicKey, KeyObject, X509Certificate } from 'node:crypto'
import { test } from 'tap'
import { RefusalError } from '../wire/errors.ts'
import type { IssueRequest } from '../wire/messages.ts'
import { ProofWrapper } from '../wire/messages.ts'
import { isReusable, readCertificate } from './certificates.ts'
import { checkCsr, keyId, makeCsr } from './csr.ts'
import { refusedNames } from './names.ts'
import { judgeRequest, type RequestContext } from './request.ts'
import { makeCaller, makeCertificate, makeClientCsr, makeKeys, P256, ZONE } from './testing.ts'

const NOW = 1_700_000_000_000
const proofKey = await generateKeyPair('Ed25519')
const otherKey = await generateKeyPair('secp256k1')
const caller = await makeCaller(proofKey)
const stranger = await makeCaller(proofKey)
const context: RequestContext = {
  callerId: caller.id,
  keys: [proofKey.publicKey],
  zone: ZONE,
  now: NOW,
  allowPrivateAddresses: false,
}
const good = (address = '8.8.8.8', now = NOW): Promise<Uint8Array> =>
  caller.proof([address], { now })
const asking = (proofs: readonly Uint8Array[], rest: Partial<IssueRequest> = {}): IssueRequest => ({
  proofs,
  supportedCryptos: [1],
  ...rest,
})

/** The code of the refusal, or the names. */
async function judged(
  request: IssueRequest,
  changed: Partial<RequestContext> = {},
): Promise<string | readonly string[]> {
  try {
    return (await judgeRequest(request, { ...context, ...changed })).names
  } catch (error) {
    if (error instanceof RefusalError) return error.code
    throw error
  }
}

test('NT-ISSUE-010 … 017 NT-ISSUE-034 NT-ISSUE-035 one bad proof refuses the request wherever it stands among five', async (t) => {
  const at = (now: number): Promise<Uint8Array> => good('8.8.8.8', now)
  const altered = async (): Promise<Uint8Array> => {
    const { proof, signature } = ProofWrapper.decode(await good('8.8.8.8'))
    const changed = Uint8Array.from(
      Buffer.from(proof).toString('latin1').replace('8.8.8.8', '8.8.4.4'),
      (c) => c.charCodeAt(0),
    )
    return ProofWrapper.encode({ proof: changed, signature })
  }
  const unknownField = async (): Promise<Uint8Array> => {
    const { proof } = ProofWrapper.decode(await good())
    const longer = Uint8Array.from([...proof, 0x78, 0x01])
    return ProofWrapper.encode({ proof: longer, signature: await proofKey.sign(longer) })
  }
  const bad: Record<string, Uint8Array> = {
    'NT-ISSUE-010 signed with another key': await caller.proof(['8.8.8.8'], {
      now: NOW,
      key: otherKey,
    }),
    'NT-ISSUE-010 truncated': (await good()).slice(0, -1),
    'NT-ISSUE-010 altered address': await altered(),
    'NT-ISSUE-010 empty': new Uint8Array(),
    'NT-ISSUE-011 older than 5 minutes': await at(NOW - 300_001),
    'NT-ISSUE-011 in seconds': await at(NOW / 1000),
    'NT-ISSUE-012 from the future': await at(NOW + 300_001),
    'NT-ISSUE-013 of another peer': await stranger.proof(['8.8.8.8'], { now: NOW }),
    'NT-ISSUE-016 octet 256': await caller.proof(['8.8.8.256'], { now: NOW }),
    'NT-ISSUE-016 leading zero': await caller.proof(['8.8.8.08'], { now: NOW }),
    'NT-ISSUE-016 host name': await caller.proof(['example.org'], { now: NOW }),
    'NT-ISSUE-017 with an unknown field': await unknownField(),
    'NT-ISSUE-034 private address': await good('10.0.0.1'),
    'NT-ISSUE-034 documentation address': await good('2001:db8::1'),
    'NT-ISSUE-035 nine addresses': await caller.proof(
      Array.from({ length: 9 }, (_, index) => `8.8.8.${index}`),
      { now: NOW },
    ),
  }
  const four = await Promise.all(['8.8.1.1', '8.8.1.2', '2600::1', '8.8.1.4'].map((a) => good(a)))
  for (const [name, proof] of Object.entries(bad)) {
    const codes = await Promise.all(
      [0, 1, 2, 3, 4].map((place) => judged(asking(four.toSpliced(place, 0, proof)))),
    )
    t.same([...new Set(codes)], ['INVALID_PROOF'], name)
  }
  t.equal((await judged(asking(four))).length, 5, 'the four alone are good')
})

test('NT-ISSUE-019 its own peer may use a proof again, alone or with others, until it is too old; nobody else may', async (t) => {
  const [first, second] = await Promise.all(['8.8.1.1', '8.8.1.2'].map((a) => good(a)))
  if (first === undefined || second === undefined) throw new Error('two proofs are wanted')
  const both = asking([first, second])
  t.strictSame(await judged(both), await judged(both), 'an answer that was lost is asked for again')
  t.strictSame(await judged(asking([first])), caller.names(['8.8.1.1']))
  t.equal(await judged(both, { callerId: stranger.id }), 'INVALID_PROOF')
  t.equal(await judged(both, { now: NOW + 300_001 }), 'INVALID_PROOF')
})

test('NT-ISSUE-014 NT-ISSUE-018 NT-ISSUE-020 NT-ISSUE-021 NT-ISSUE-035 NT-ISSUE-036 what else decides', async (t) => {
  const proof = await good()
  const csr = await makeClientCsr(caller.names(['8.8.8.8']))
  const [own, name] = caller.names(['8.8.8.8'])
  const cases: [string, IssueRequest, Partial<RequestContext>, string | readonly unknown[]][] = [
    [
      'NT-ISSUE-011 exactly 5 minutes old',
      asking([await good('8.8.8.8', NOW - 300_000)]),
      {},
      [own, name],
    ],
    [
      'NT-ISSUE-012 5 minutes ahead',
      asking([await good('8.8.8.8', NOW + 300_000)]),
      {},
      [own, name],
    ],
    ['NT-ISSUE-014 no proof', asking([]), {}, 'INVALID_PROOF'],
    [
      'NT-ISSUE-018 no address',
      asking([await caller.proof([], { now: NOW })]),
      {},
      'INVALID_PROOF',
    ],
    ['NT-ISSUE-020 no crypto', asking([proof], { supportedCryptos: [] }), {}, 'NO_MATCHING_CRYPTO'],
    ['NT-ISSUE-020 unknown', asking([proof], { supportedCryptos: [7] }), {}, 'NO_MATCHING_CRYPTO'],
    [
      'NT-ISSUE-020 unknown and RSA',
      asking([proof], { supportedCryptos: [7, 1] }),
      {},
      [own, name],
    ],
    ['P-256 without CSR', asking([proof], { supportedCryptos: [2] }), {}, 'NO_MATCHING_CRYPTO'],
    ['P-256 with CSR', asking([proof], { supportedCryptos: [2], csr }), {}, [own, name]],
    ['NT-ISSUE-021 both wrong', asking([], { supportedCryptos: [7] }), {}, 'INVALID_PROOF'],
    ['NT-ISSUE-023 the same address twice', asking([proof, await good()]), {}, [own, name]],
    [
      'NT-ISSUE-023 mapped is the same',
      asking([proof, await good('::ffff:8.8.8.8')]),
      {},
      [own, name],
    ],
    [
      'NT-ISSUE-034 switch',
      asking([await good('127.0.0.1')]),
      { allowPrivateAddresses: true },
      caller.names(['127.0.0.1']),
    ],
    ['NT-ISSUE-035 16 proofs', asking(Array.from({ length: 16 }, () => proof)), {}, [own, name]],
    [
      'NT-ISSUE-035 17 proofs',
      asking(Array.from({ length: 17 }, () => proof)),
      {},
      'INVALID_PROOF',
    ],
    [
      'NT-ISSUE-036 second key',
      asking([proof]),
      { keys: [otherKey.publicKey, proofKey.publicKey] },
      [own, name],
    ],
    [
      'NT-ISSUE-026 zone with too many labels',
      asking([proof]),
      { zone: 'a.b.c.d.e.f.g.h.i.j' },
      'OTHER',
    ],
    ['CSR of no form', asking([proof], { csr: Uint8Array.of(1, 2, 3) }), {}, 'OTHER'],
  ]
  for (const [title, request, changed, expected] of cases) {
    t.same(await judged(request, changed), expected, title)
  }
})

test('NT-ISSUE-023 NT-ISSUE-033 a CSR must be signed, of a known key type, and for exactly the proven names', async (t) => {
  const names = caller.names(['8.8.8.8', '2600::1'])
  const [id0Name = ''] = names
  const code = async (csr: Uint8Array): Promise<string> => {
    try {
      return `ok ${checkCsr(csr, { names }).cryptoType}`
    } catch (error) {
      return error instanceof RefusalError ? error.code : String(error)
    }
  }
  const csr = await makeClientCsr(names)
  const broken = Uint8Array.from(csr)
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
  const rsa = (modulusLength: number, exponent = [1, 0, 1]): Record<string, unknown> => ({
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength,
    publicExponent: Uint8Array.from(exponent),
  })
  const cases: [string, Uint8Array, string][] = [
    ['P-256', csr, 'ok 2'],
    ['names in another order', await makeClientCsr(names.toReversed()), 'ok 2'],
    ['common name that fits', await makeClientCsr(names, { commonName: id0Name }), 'ok 2'],
    ['RSA-2048', await makeClientCsr(names, { algorithm: rsa(2048) }), 'ok 1'],
    ['RSA-1024', await makeClientCsr(names, { algorithm: rsa(1024) }), 'NO_MATCHING_CRYPTO'],
    [
      'RSA with exponent 3',
      await makeClientCsr(names, { algorithm: rsa(2048, [3]) }),
      'NO_MATCHING_CRYPTO',
    ],
    [
      'P-384',
      await makeClientCsr(names, { algorithm: { ...P256, namedCurve: 'P-384' } }),
      'NO_MATCHING_CRYPTO',
    ],
    [
      'Ed25519',
      await makeClientCsr(names, { algorithm: { name: 'Ed25519' } }),
      'NO_MATCHING_CRYPTO',
    ],
    ['broken signature', broken, 'OTHER'],
    ['cut', csr.slice(0, -1), 'OTHER'],
    ['bytes behind', Uint8Array.from([...csr, 0]), 'OTHER'],
    ['empty', new Uint8Array(), 'OTHER'],
    ['too long', new Uint8Array(8193), 'OTHER'],
    ['no names', await makeClientCsr([]), 'INVALID_PROOF'],
    ['a name less', await makeClientCsr(names.slice(1)), 'INVALID_PROOF'],
    ['a name more', await makeClientCsr([...names, `ip41-1-1-1.${ZONE}`]), 'INVALID_PROOF'],
    ['another name', await makeClientCsr([...names.slice(1), 'example.org']), 'INVALID_PROOF'],
    ['a name twice', await makeClientCsr([...names, id0Name]), 'INVALID_PROOF'],
    [
      'a name twice for another',
      await makeClientCsr([...names.slice(1), names[1] ?? '']),
      'INVALID_PROOF',
    ],
    ['upper case', await makeClientCsr(names.map((name) => name.toUpperCase())), 'INVALID_PROOF'],
    ['wildcard', await makeClientCsr([...names.slice(1), `*.${ZONE}`]), 'INVALID_PROOF'],
    [
      'foreign common name',
      await makeClientCsr(names, { commonName: 'example.org' }),
      'INVALID_PROOF',
    ],
  ]
  for (const [title, bytes, expected] of cases) t.equal(await code(bytes), expected, title)
})

test('NT-ISSUE-025 NT-ISSUE-032 the CSR made here is one that we would take, with a common name only where it fits', async (t) => {
  const rsaCaller = await makeCaller(proofKey, 'RSA')
  const long = 'a-zone-that-is-long.example'
  const cases: [string, readonly string[]][] = [
    ['short', [`p${'a'.repeat(52)}.nt.test`, 'ip41-2-3-4.nt.test']],
    ['long', [`p${'a'.repeat(58)}.${long}`, `ip41-2-3-4.${long}`]],
    ['of an RSA peer', rsaCaller.names(['8.8.8.8'])],
  ]
  for (const [title, names] of cases) {
    const made = await makeCsr(names)
    t.match(checkCsr(made.csr, { names }), { cryptoType: 1, keyId: made.keyId }, title)
    const fits = (names[0] ?? '').length <= 64
    // The name stands in the CSR once as a subject alternative name, and once more as the common name.
    const places =
      Buffer.from(made.csr)
        .toString('latin1')
        .split(names[0] ?? '').length - 1
    t.equal(places, fits ? 2 : 1, title)
    t.equal(keyId(createPublicKey(createPrivateKey(made.key ?? ''))), made.keyId)
  }
})

test('NT-ISSUE-026 names that Boulder refuses are refused before they are ordered', (t) => {
  const label63 = 'a'.repeat(63)
  const name237 = `${label63}.${label63}.${label63}.${'a'.repeat(45)}`
  const cases: [string, readonly string[], boolean][] = [
    ['plain', ['ip41-2-3-4.nt.example'], true],
    ['hyphens elsewhere', ['ip6--1.nt.example', 'ip62001-db8--1.nt.example'], true],
    ['international', ['xn--80ak6aa92e.nt.example'], true],
    ['237 characters', [name237], true],
    ['238 characters', [`${name237}a`], false],
    ['10 labels', ['a.b.c.d.e.f.g.h.nt.example'], true],
    ['11 labels', ['a.b.c.d.e.f.g.h.i.nt.example'], false],
    ['1 label', ['localhost'], false],
    ['label of 63', [`${label63}.example`], true],
    ['label of 64', [`${label63}a.example`], false],
    ['empty label', ['a..example'], false],
    ['dot at the end', ['a.example.'], false],
    ['empty', [''], false],
    ['hyphen first', ['-a.example'], false],
    ['hyphen last', ['ip6--.example'], false],
    ['hyphens in 3 and 4', ['ab--c.example'], false],
    ['underscore', ['a_b.example'], false],
    ['upper case', ['A.example'], false],
    ['wildcard', ['*.example.org'], false],
    ['not ascii', ['bücher.example'], false],
    ['one bad of two', ['a.example', 'a-.example'], false],
    ['100 names', Array.from({ length: 100 }, (_, index) => `a${index}.example`), true],
    ['101 names', Array.from({ length: 101 }, (_, index) => `a${index}.example`), false],
    ['none', [], false],
  ]
  for (const [title, names, allowed] of cases) {
    t.equal(
      refusedNames(names) === undefined,
      allowed,
      `${title}: ${refusedNames(names) ?? 'allowed'}`,
    )
  }
  t.end()
})

test('NT-ISSUE-023 NT-ISSUE-024 NT-ISSUE-030 a chain of the CA is read, checked against the order, and reused for part of its life', async (t) => {
  const names = caller.names(['8.8.8.8'])
  const keys = await makeKeys()
  const ordered = { names, keyId: keyId(KeyObject.from(keys.publicKey)) }
  const { leaf, issuer, serial } = await makeCertificate({
    names,
    publicKey: keys.publicKey,
    now: NOW,
    lifetimeMs: 90_000_000,
  })
  const read = readCertificate(leaf + issuer, ordered)
  t.match(read, { certificate: leaf, ca: issuer, notBefore: NOW, notAfter: NOW + 90_000_000 })
  t.equal(read.serial.toLowerCase(), serial.toLowerCase())
  t.equal(read.notAfter, new X509Certificate(leaf).validToDate.getTime())
  const mismatch = { name: 'CertificateMismatchError' }
  t.throws(() => readCertificate('garbage', ordered), mismatch)
  t.throws(() => readCertificate(leaf.repeat(9), ordered), mismatch)
  t.throws(() => readCertificate(leaf.replace(/M/, 'A'), ordered), mismatch)
  t.throws(() => readCertificate(leaf, { ...ordered, keyId: 'another' }), mismatch)
  t.throws(() => readCertificate(leaf, { ...ordered, names: names.slice(1) }), mismatch)
  t.throws(() => readCertificate(leaf, { ...ordered, names: [...names, 'more.example'] }), mismatch)
  t.ok(isReusable(read, NOW + 90_000_000 / 2))
  t.notOk(isReusable(read, NOW + (90_000_000 * 2) / 3), 'who renews at two thirds gets a new one')
  const window = (renewFrom: number) => ({ ...read, renewFrom })
  t.ok(isReusable(window(NOW + 30_000_000), NOW + 29_999_999))
  t.notOk(isReusable(window(NOW + 30_000_000), NOW + 30_000_000), 'the CA wants it renewed')
  t.ok(isReusable(window(NOW - 1), NOW + 3_599_999), 'and not as soon as it is there')
  t.notOk(isReusable(window(NOW - 1), NOW + 3_600_000))
})
