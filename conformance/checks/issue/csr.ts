// Certificate signing requests that must not get through (PROTOCOL.md, section 6): other names, weak or other keys,
// broken signatures, extensions. All of them come with good proofs.
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Case, CheckContext } from '../../suite/case.ts'
import { ascii, boolean, implicit, sequence } from '../../wire/der.ts'
import {
  csrKey,
  ERRORS,
  extension,
  IssueRequest,
  join,
  makeCsr,
  type CsrInit,
} from '../../wire/index.ts'
import { namesOf, newKey } from './order.ts'
import { goodProof, publicIpv4 } from './played-proofs.ts'
import { requestCase } from './request.ts'

/** Bends a request; `names` are those that it should have. */
type Bent = Partial<CsrInit> | Uint8Array
type Bend = (names: readonly string[], zone: string) => Bent | Promise<Bent>

const RFC822_NAME = 1
const BASIC_CONSTRAINTS = '2.5.29.19'
const CSR_BYTES_MAX = 8_192

const NAMES: readonly (readonly [slug: string, what: string, bend: Bend])[] = [
  ['name-missing', 'that lacks a proven name', (names) => ({ names: names.slice(1) })],
  ['no-names', 'without subjectAltName', () => ({ subjectAlternativeName: false })],
  [
    'foreign-domain',
    'with a name in another domain',
    (names) => ({ names: [...names, 'nodetrust.invalid'] }),
  ],
  [
    'other-address',
    'with the name of an address that is not proven',
    (names, zone) => ({ names: [...names, `ip48-8-8-8.${zone}`] }),
  ],
  [
    'other-peer',
    'with the id0 name of another peer',
    (names, zone) => ({
      names: [...names, `pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8.${zone}`],
    }),
  ],
  ['wildcard', 'with a wildcard', (names, zone) => ({ names: [...names, `*.${zone}`] })],
  ['zone', 'with the zone itself', (names, zone) => ({ names: [...names, zone] })],
  [
    'upper-case',
    'with a name in upper case',
    ([own = '', ...others]) => ({ names: [own.toUpperCase(), ...others] }),
  ],
  [
    'mail-address',
    'with a mail address beside the names',
    () => ({ otherNames: [implicit(RFC822_NAME, ascii('a@nodetrust.invalid'))] }),
  ],
  [
    'foreign-common-name',
    'with a common name that is not proven',
    () => ({ commonNames: ['nodetrust.invalid'] }),
  ],
]

const KEYS: readonly (readonly [slug: string, what: string, make: () => Promise<KeyObject>])[] = [
  ['p-384', 'a P-384 key', () => makeKey('ec', { namedCurve: 'P-384' })],
  ['ed25519', 'an Ed25519 key', () => makeKey('ed25519', {})],
  ['rsa-1024', 'an RSA key of 1,024 bits', () => makeKey('rsa', { modulusLength: 1024 })],
  [
    'rsa-exponent-3',
    'an RSA key with the exponent 3',
    () => makeKey('rsa', { modulusLength: 2048, publicExponent: 3 }),
  ],
]

const FORMS: readonly (readonly [slug: string, what: string, bend: Bend])[] = [
  ['text', 'that is no PKCS#10', () => ascii('no certificate signing request')],
  [
    'bad-signature',
    'that is not signed with its own key',
    () => ({ key: { ...csrKey(newKey()), publicKey: csrKey(newKey()).publicKey } }),
  ],
  [
    'basic-constraints',
    'that asks to be a CA',
    () => ({ extensions: [extension(BASIC_CONSTRAINTS, sequence(boolean(true)), true)] }),
  ],
]

export const CSR_CASES: readonly Case[] = [
  ...NAMES.map(([slug, what, bend]) =>
    csrCase({
      id: `NT-ISSUE-041/${slug}`,
      what: `a CSR ${what}`,
      bend,
      error: ERRORS.INVALID_PROOF,
    }),
  ),
  ...KEYS.map(([slug, what, make]) =>
    csrCase({
      id: `NT-ISSUE-042/${slug}`,
      what: `a CSR with ${what}`,
      bend: async () => ({ key: csrKey(await make()) }),
      error: ERRORS.NO_MATCHING_CRYPTO,
    }),
  ),
  ...FORMS.map(([slug, what, bend]) =>
    csrCase({ id: `NT-ISSUE-043/${slug}`, what: `a CSR ${what}`, bend, error: ERRORS.OTHER }),
  ),
  csrCase({
    id: 'NT-ISSUE-043/trailing-byte',
    what: 'a CSR with a byte after it',
    bend: (names) => join(makeCsr({ names, key: csrKey(newKey()) }), Uint8Array.of(0)),
    error: ERRORS.OTHER,
  }),
  csrCase({
    id: 'NT-ISSUE-043/cut',
    what: 'a CSR whose last byte is missing',
    bend: (names) => makeCsr({ names, key: csrKey(newKey()) }).subarray(0, -1),
    error: ERRORS.OTHER,
  }),
  csrCase({
    id: 'NT-ISSUE-043/too-long',
    what: `a CSR of more than ${CSR_BYTES_MAX} bytes`,
    bend: (_names, zone) => ({
      names: Array.from({ length: 200 }, (_, index) => `${'a'.repeat(40)}${index}.${zone}`),
    }),
    error: ERRORS.OTHER,
  }),
]

function csrCase({
  id,
  what,
  bend,
  error,
}: {
  readonly id: string
  readonly what: string
  readonly bend: Bend
  readonly error: number
}): Case {
  return requestCase({
    id,
    title: `an issue server refuses ${what} with error ${error}, whatever is proven`,
    needs: ['csr'],
    async request(context, caller) {
      const addresses = [publicIpv4(context)]
      const csr = await bent(context, namesOf(context, caller, addresses), bend)
      const proofs = [await goodProof(context.target, { id: caller.id, addresses })]
      return IssueRequest.encode({ proofs, supportedCryptos: [1, 2], csr })
    },
    error,
    what: `the refusal of ${what}`,
  })
}

async function bent(
  { target }: CheckContext,
  names: readonly string[],
  bend: Bend,
): Promise<Uint8Array> {
  const change = await bend(names, target.zone)
  return change instanceof Uint8Array
    ? change
    : makeCsr({ names, key: csrKey(newKey()), ...change })
}

/** In a thread: an RSA key takes as long as all other checks would then have to wait. */
async function makeKey(type: 'ec' | 'ed25519' | 'rsa', options: object): Promise<KeyObject> {
  const generate = promisify(generateKeyPair) as (
    type: string,
    options: object,
  ) => Promise<{ readonly privateKey: KeyObject }>
  return (await generate(type, options)).privateKey
}
