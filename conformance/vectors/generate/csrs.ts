import * as d from '../../wire/der.ts'
import { extension, makeCsr, type CsrInit } from '../../wire/csr.ts'
import { join } from '../../wire/protobuf.ts'
import { draft, toHex, type Draft, type DraftFile } from './build.ts'
import { ecdsaKey, ed25519Key, rsaKey } from './keys.ts'

const ZONE = 'nt.example.org'
const NAMES = [
  `pamvv6akrdswr30dcmy8al2td3s85su1ptosw2qkojvrgie9lbdcpivzm3y.${ZONE}`,
  `ip4203-0-113-7.${ZONE}`,
  `ip62001-db8--1.${ZONE}`,
]
const SHORT_NAMES = [
  'pamvv6akrdswr30dcmy8al2td3s85su1ptosw2qkojvrgie9lbdcpivzm3y.nt.x',
  'ip41-1-1-1.nt.x',
]
const P256 = ecdsaKey('prime256v1', 'csr')
const CODES = { OK: 0, INVALID_PROOF: 2, NO_MATCHING_CRYPTO: 4, OTHER: 9 } as const
const BASIC_CONSTRAINTS = '2.5.29.19'
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24'
const CSR_BYTES_MAX = 8192
/** Kinds of GeneralName (RFC 5280 §4.2.1.6). */
const [RFC822_NAME, DNS_NAME, URI, IP_ADDRESS] = [1, 2, 6, 7] as const

/** What an issue server makes of certificate signing requests. */
export function csrs(): DraftFile {
  return {
    header: [
      'names were proven, in this order. An issue server that takes requests answers csrHex with error; 0: a certificate is ordered.',
    ],
    notes: {
      Basic: { bugType: 'BASIC', description: 'what clients send' },
      KeyType: {
        bugType: 'WEAK_PARAMS',
        description: 'P-256, or RSA of 2,048 to 4,096 bits with exponent 65537',
      },
      Names: {
        bugType: 'AUTH_BYPASS',
        description: 'exactly the proven names, each once, in lower case',
      },
      OtherName: { bugType: 'AUTH_BYPASS', description: 'names that are no DNS names' },
      CommonName: {
        bugType: 'AUTH_BYPASS',
        description: 'CAs take the common name for one more name',
      },
      Extension: {
        bugType: 'AUTH_BYPASS',
        description: 'a CA that copies extensions would make a CA of the caller',
      },
      Signature: { bugType: 'MISSING_STEP', description: 'signed with the key in it' },
      Malformed: { bugType: 'CAN_OF_WORMS', description: 'not one PKCS#10 request in DER' },
      Length: { bugType: 'EDGE_CASE', description: 'at most 8,192 bytes' },
    },
    groups: [{ type: 'Csr', tests: [...good(), ...keys(), ...wrongNames(), ...malformed()] }],
  }
}

function good(): readonly Draft[] {
  return [
    accepted('Basic', 'P-256, no common name: the id0 name is too long', {}),
    accepted('Basic', 'RSA', { key: rsaKey(2048, 'csr') }, 1),
    accepted(
      'CommonName',
      'the id0 name, which is short enough',
      { names: SHORT_NAMES },
      2,
      SHORT_NAMES,
    ),
    accepted(
      'CommonName',
      'none, although there is room',
      { names: SHORT_NAMES, commonNames: [] },
      2,
      SHORT_NAMES,
    ),
    accepted(
      'CommonName',
      'another proven name',
      { names: SHORT_NAMES, commonNames: SHORT_NAMES.slice(1) },
      2,
      SHORT_NAMES,
    ),
    accepted('Names', 'in another order', { names: NAMES.toReversed() }),
    accepted(
      'Names',
      'the id0 name alone was proven',
      { names: NAMES.slice(0, 1) },
      2,
      NAMES.slice(0, 1),
    ),
  ]
}

function keys(): readonly Draft[] {
  const refuse = (comment: string, key: CsrInit['key']): Draft =>
    refused('NT-ISSUE-042', 'KeyType', comment, CODES.NO_MATCHING_CRYPTO, { key })
  const taken = (comment: string, key: CsrInit['key']): Draft => ({
    ...accepted('KeyType', comment, { key }, 1),
    req: 'NT-ISSUE-042',
  })
  return [
    taken('RSA with 3,072 bits', rsaKey(3072, 'csr')),
    taken('RSA with 4,096 bits', rsaKey(4096, 'csr')),
    refuse('RSA with 1,024 bits', rsaKey(1024, 'csr')),
    refuse('RSA with 2,047 bits', rsaKey(2047, 'csr')),
    refuse('RSA with 4,104 bits', rsaKey(4104, 'csr')),
    refuse('RSA with exponent 3', rsaKey(2048, 'csr 3', 3n)),
    refuse('RSA with exponent 2^32 + 1', rsaKey(2048, 'csr', 2n ** 32n + 1n)),
    refuse('P-384', ecdsaKey('secp384r1', 'csr')),
    refuse('secp256k1', ecdsaKey('secp256k1', 'csr')),
    refuse('Ed25519', ed25519Key('csr')),
  ]
}

function wrongNames(): readonly Draft[] {
  const refuse = (flag: string, comment: string, changes: Partial<CsrInit>): Draft =>
    refused('NT-ISSUE-041', flag, comment, CODES.INVALID_PROOF, changes)
  const other = `ip41-1-1-1.${ZONE}`
  const [first = '', second = '', third = ''] = NAMES
  const common = (...commonNames: string[]): Partial<CsrInit> => ({ commonNames })
  return [
    refuse('Names', 'one that was not proven', { names: [...NAMES, other] }),
    refuse('Names', 'one missing', { names: NAMES.slice(0, 2) }),
    refuse('Names', 'the id0 name missing', { names: NAMES.slice(1) }),
    refuse('Names', 'one in place of another', { names: [first, second, other] }),
    refuse('Names', 'one twice', { names: [...NAMES, first] }),
    refuse('Names', 'one twice in place of another', { names: [first, second, second] }),
    refuse('Names', 'upper case', { names: [first, second, third.toUpperCase()] }),
    refuse('Names', 'a dot at the end', { names: [first, second, `${third}.`] }),
    refuse('Names', 'NUL and another name after a proven one', {
      names: [first, second, `${third}\0.example`],
    }),
    refuse('Names', 'a wildcard', { names: [...NAMES, `*.${ZONE}`] }),
    refuse('Names', 'the zone itself', { names: [...NAMES, ZONE] }),
    refuse('Names', 'none', { names: [], commonNames: [] }),
    refuse('Names', 'no subjectAltName', { subjectAlternativeName: false }),
    refuse('Names', 'no subjectAltName, the id0 name as common name', {
      names: SHORT_NAMES,
      subjectAlternativeName: false,
    }),
    refuse('OtherName', 'an IP address', {
      otherNames: [d.implicit(IP_ADDRESS, Uint8Array.of(203, 0, 113, 7))],
    }),
    refuse('OtherName', 'a mail address', {
      otherNames: [d.implicit(RFC822_NAME, d.ascii(`a@${ZONE}`))],
    }),
    refuse('OtherName', 'a URI', { otherNames: [d.implicit(URI, d.ascii(`https://${first}/`))] }),
    refuse('OtherName', 'a proven name as mail address, in place of itself', {
      names: [first, second],
      otherNames: [d.implicit(RFC822_NAME, d.ascii(third))],
    }),
    refuse('Names', 'one that was not proven, encoded by hand', {
      otherNames: [d.implicit(DNS_NAME, d.ascii('example.org'))],
    }),
    refuse('CommonName', 'one that was not proven', common(other)),
    refuse('CommonName', 'a proven one in upper case', common(second.toUpperCase())),
    refuse('CommonName', 'a proven one and another', common(second, other)),
    refuse('CommonName', 'the zone', common(ZONE)),
  ]
}

function malformed(): readonly Draft[] {
  const refuse = (flag: string, comment: string, csr: Uint8Array | Partial<CsrInit>): Draft =>
    refused('NT-ISSUE-043', flag, comment, CODES.OTHER, csr)
  const whole = csrOf({})
  const spoil = (info: Uint8Array): Uint8Array => info.with(6, 0x31)
  const large = Array.from(
    { length: 60 },
    (_, index) => `${String(index).padStart(3, 'a')}${'b'.repeat(60)}.${'c'.repeat(63)}.${ZONE}`,
  )
  if (csrOf({ names: large }).length <= CSR_BYTES_MAX) throw new Error('the large request is small')
  return [
    refuse('Extension', 'basicConstraints', {
      extensions: [extension(BASIC_CONSTRAINTS, d.sequence(d.boolean(true)), true)],
    }),
    refuse('Extension', 'must-staple', {
      extensions: [extension(TLS_FEATURE, d.sequence(d.integer(5n)))],
    }),
    refuse('Signature', 'of other bytes', {
      key: { ...P256, sign: (bytes) => P256.sign(join(bytes, Uint8Array.of(0))) },
    }),
    refuse('Signature', 'of another key', {
      key: { ...P256, sign: ecdsaKey('prime256v1', 'other').sign },
    }),
    refuse('Signature', 'empty', { key: { ...P256, sign: () => new Uint8Array(0) } }),
    refuse('Signature', 'zeros', { key: { ...P256, sign: () => new Uint8Array(64) } }),
    refuse('Signature', 'RSA, of another key', {
      key: { ...rsaKey(2048, 'csr'), sign: rsaKey(2048, 'other').sign },
    }),
    refuse('Malformed', 'nothing', new Uint8Array(0)),
    refuse('Malformed', 'a byte missing', whole.slice(0, -1)),
    refuse('Malformed', 'a byte after it', join(whole, Uint8Array.of(0))),
    refuse('Malformed', 'two requests', join(whole, whole)),
    refuse(
      'Malformed',
      'text',
      new Uint8Array(Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\n')),
    ),
    refuse(
      'Malformed',
      'PEM of a good one',
      new Uint8Array(
        Buffer.from(
          `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(whole).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
        ),
      ),
    ),
    refuse('Malformed', 'an empty sequence', d.sequence()),
    refuse('Malformed', 'a public key', P256.publicKey),
    refuse('Malformed', 'a set where the subject should be', { spoil: (info) => spoil(info) }),
    refuse('Length', 'more than 8,192 bytes, otherwise good', { names: large }),
  ]
}

function csrOf(init: Partial<CsrInit>): Uint8Array {
  return makeCsr({ names: NAMES, key: P256, ...init })
}

function accepted(
  flag: string,
  comment: string,
  init: Partial<CsrInit>,
  cryptoType = 2,
  names: readonly string[] = NAMES,
): Draft {
  return draft('valid', 'NT-ISSUE-040', flag, comment, {
    names,
    csrHex: toHex(csrOf(init)),
    error: CODES.OK,
    cryptoType,
  })
}

function refused(
  req: string,
  flag: string,
  comment: string,
  error: number,
  csr: Uint8Array | Partial<CsrInit>,
): Draft {
  const bytes = csr instanceof Uint8Array ? csr : csrOf(csr)
  const names =
    csr instanceof Uint8Array || csr.names === undefined || csr.names.length < 60
      ? NAMES
      : csr.names
  return draft('invalid', req, flag, comment, {
    names,
    csrHex: toHex(bytes),
    error,
    cryptoType: null,
  })
}
