// What comes of an order: the answer's fields, and the certificate itself. One order with a key of the server's and one
// with a certificate signing request, and everybody looks at them.
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { addressName, CRYPTO, ERRORS, IssueRequest } from '../../wire/index.ts'
import { sendForCertificate, sendForFields } from '../by-hand.ts'
import {
  csrRequest,
  csrWish,
  duplicatesRequest,
  endsInColon,
  serverKeyRequest,
  serverKeyWish,
} from './certificate-requests.ts'
import { fail, newCaller, expectCode } from '../exchange.ts'
import {
  commonNameOf,
  namesIn,
  namesOf,
  obtain,
  open,
  orderRequest,
  ORDER_CASE_MS,
  sendOrder,
  sharedOrder,
  type Issued,
} from './order.ts'

/** RFC 5280, upper bound of a common name. */
const COMMON_NAME_LENGTH_MAX = 64
const RSA_BITS_MIN = 2048

export const CERTIFICATE_CASES: readonly Case[] = [
  orderCase({
    id: 'NT-ISSUE-022/certificate',
    title: 'a good request without a CSR is answered with a certificate',
    request: serverKeyRequest,
    async run(context) {
      // Not the shared one: that there is none is this case's business alone.
      await withServerKey(context).catch((error: Error) => {
        throw error.cause instanceof Error ? error.cause : error
      })
    },
  }),
  ...lookCases(withServerKey, 'NT-ISSUE-022', {
    'chain-is-leaf-and-ca': [
      'chain is cert followed by ca',
      ({ response: { cert = '', chain, ca = '' } }) => {
        if (chain !== cert + ca) fail('a chain that is cert followed by ca', 'another text')
      },
    ],
    names: [
      'cn is the id0 name, and altnames are all other names',
      ({ response: { cn, altnames }, names: [own, ...others] }) => {
        if (cn !== own) fail(`"${own}" as cn`, `"${cn}"`)
        if (altnames.toSorted().join() !== others.toSorted().join()) {
          fail(`the altnames ${others.join(', ')}`, altnames.join(', ') || 'none')
        }
      },
    ],
    'key-and-crypto-type': [
      'the key that the server made is in the answer in PEM (PKCS#8), with cryptoType 1',
      ({ response: { key = '', cryptoType } }) => {
        if (!key.startsWith('-----BEGIN PRIVATE KEY-----')) {
          fail('a private key in PEM, PKCS#8', JSON.stringify(key.slice(0, 40)))
        }
        if (cryptoType !== CRYPTO.RSA) fail('cryptoType 1 (RSA)', String(cryptoType))
      },
    ],
    'not-from-cache': [
      'fromCache is false for a certificate that was just ordered',
      ({ response: { fromCache } }) => {
        if (fromCache !== false) fail('fromCache false', String(fromCache))
      },
    ],
  }),
  ...[withServerKey, withCsr].flatMap((issued) => {
    const how = issued === withCsr ? 'csr' : 'server-key'
    return lookCases(issued, 'NT-ISSUE-023', {
      [`${how}-exact-names`]: [
        'the leaf has the id0 name and one name for each address, in lower case, and no other',
        ({ leaf, names }) => {
          const found = namesIn(leaf)
          if (found.toSorted().join() !== names.toSorted().join()) {
            fail(`exactly the names ${names.join(', ')}`, found.join(', '))
          }
        },
      ],
      [`${how}-chain`]: [
        'the leaf and each certificate in ca is signed by the next, up to a root of the CA',
        expectChain,
      ],
    })
  }),
  ...lookCases(withServerKey, 'NT-ISSUE-023', {
    'key-matches': [
      'the leaf is for the key in the answer, RSA of at least 2,048 bits',
      ({ leaf, response: { key = '' } }) => {
        expectKey(leaf, publicOf(key))
        const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength ?? 0
        if (leaf.publicKey.asymmetricKeyType !== 'rsa' || bits < RSA_BITS_MIN) {
          fail(`an RSA key of at least ${RSA_BITS_MIN} bits`, `${bits} bits`)
        }
      },
    ],
  }),
  ...lookCases(withServerKey, 'NT-ISSUE-024', {
    'end-of-certificate': [
      'validity is notAfter of the leaf in milliseconds',
      ({ leaf, response: { validity } }) => {
        const [from, to] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
        if (validity === to) return undefined
        if (validity === undefined || validity > to || validity <= from) {
          fail(`${to}, which is ${leaf.validTo}`, String(validity))
        }
        return { verdict: 'nonstrict', reason: `validity is ${validity}, earlier than ${to}` }
      },
    ],
  }),
  ...lookCases(withServerKey, 'NT-ISSUE-025', {
    'no-long-common-name': [
      'the leaf has the id0 name as common name where it fits into 64 bytes, and none otherwise',
      ({ leaf, names: [own] }) => {
        const found = commonNameOf(leaf) ?? ''
        if (found.length <= COMMON_NAME_LENGTH_MAX) {
          if (found !== '' && found !== own) fail(`no common name but "${own}"`, `"${found}"`)
          return undefined
        }
        return { verdict: 'info', reason: `the CA, or whoever asked it, wrote "${found}"` }
      },
    ],
    'id0-name-in-the-answer': [
      'cn of the answer is the id0 name, also where it is too long for the certificate',
      ({ response: { cn }, names: [own] }) => {
        if (cn !== own) fail(`"${own}" as cn`, `"${cn}"`)
      },
    ],
  }),
  ...lookCases(withCsr, 'NT-ISSUE-040', {
    'own-key': [
      "the leaf is for the CSR's key",
      ({ leaf, key }) => {
        if (key !== undefined) expectKey(leaf, createPublicKey(key))
      },
    ],
    'no-key-in-the-answer': [
      'the field key is there and empty',
      ({ response: { key } }) => {
        if (key !== '') {
          fail('the field key, empty', key === undefined ? 'no such field' : `${key.length} bytes`)
        }
      },
    ],
    'crypto-type': [
      'cryptoType is 2 for a P-256 key',
      ({ response: { cryptoType } }) => {
        if (cryptoType !== CRYPTO.ECDSA_P256) fail('cryptoType 2 (P-256)', String(cryptoType))
      },
    ],
  }),
  ...[withServerKey, withCsr].flatMap((issued) =>
    lookCases(issued, 'NT-ISSUE-033', {
      [issued === withCsr ? 'own-zone-and-id' : 'server-key-own-zone-and-id']: [
        "every name is in the zone, and the only id0 name is the caller's",
        expectOwnNames,
      ],
    }),
  ),
  orderCase({
    id: 'NT-ISSUE-023/duplicates',
    title: 'an address that is proven several times, in several spellings, has one name',
    request: async (context, caller) =>
      IssueRequest.encode((await duplicatesRequest(context, caller)).message),
    run: duplicates,
  }),
  orderCase({
    id: 'NT-DNS-013/issue-server-writes-a-zero',
    title:
      'the name of an IPv6 address that ends in a colon gets a zero, for no label may end in a hyphen',
    async request(context, caller) {
      const addresses = [endsInColon(context)]
      return IssueRequest.encode(await orderRequest(context, caller, { addresses }))
    },
    async run(context) {
      const caller = await newCaller(context)
      const address = endsInColon(context)
      const { leaf } = await obtain(context, caller, { addresses: [address] })
      const name = addressName(address, context.target.zone)
      if (!namesIn(leaf).includes(name)) fail(`the name "${name}"`, namesIn(leaf).join(', '))
    },
  }),
]

/** What is not seen in a certificate, but in other fields of the IssueResponse. */
const FIELDS: Readonly<Partial<Record<string, string>>> = {
  'NT-ISSUE-022/chain-is-leaf-and-ca':
    'field 3 (chain) is field 2 (cert) and field 4 (ca) after it',
  'NT-ISSUE-022/names': 'field 6 (cn) is the id0 name, and fields 7 (altnames) are all other names',
  'NT-ISSUE-022/key-and-crypto-type':
    'field 5 (key) begins with -----BEGIN PRIVATE KEY-----, and field 10 (cryptoType) is 1',
  'NT-ISSUE-022/not-from-cache': 'field 9 (fromCache) is 0',
  'NT-ISSUE-024/end-of-certificate':
    'field 8 (validity) is in ms the end of the certificate in field 2, which openssl x509 -noout -enddate prints',
  'NT-ISSUE-025/id0-name-in-the-answer': 'field 6 (cn) is the id0 name',
  'NT-ISSUE-040/no-key-in-the-answer': 'field 5 (key) is there and empty',
  'NT-ISSUE-040/crypto-type': 'field 10 (cryptoType) is 2',
}

function orderCase(
  init: Pick<Case, 'id' | 'title' | 'run'> & Required<Pick<Case, 'request'>>,
): Case {
  return {
    ...init,
    role: 'issue',
    needs: ['played-proof-server'],
    timeoutMs: ORDER_CASE_MS,
    byHand: (target) => {
      const fields = FIELDS[init.id]
      return fields === undefined
        ? sendForCertificate(target, { id: init.id, shows: init.title })
        : sendForFields(target, { id: init.id, shows: fields })
    },
  }
}

type Look = (issued: Issued, context: CheckContext) => Finding | void

/** Cases that look at one order. */
function lookCases(
  issued: (context: CheckContext) => Promise<Issued>,
  requirement: string,
  looks: Readonly<Record<string, readonly [title: string, look: Look]>>,
): readonly Case[] {
  return Object.entries(looks).map(([slug, [title, look]]) => {
    const made = orderCase({
      id: `${requirement}/${slug}`,
      title,
      request: issued === withCsr ? csrRequest : serverKeyRequest,
      run: async (context) => look(await issued(context), context),
    })
    return issued === withCsr ? { ...made, needs: ['played-proof-server', 'csr'] } : made
  })
}

function withServerKey(context: CheckContext): Promise<Issued> {
  return sharedOrder(context, 'with a key of the server', async (recorded) => {
    return obtain(recorded, await newCaller(recorded), serverKeyWish(recorded))
  })
}

function withCsr(context: CheckContext): Promise<Issued> {
  return sharedOrder(context, 'with a certificate signing request', async (recorded) => {
    return obtain(recorded, await newCaller(recorded), csrWish(recorded))
  })
}

async function duplicates(context: CheckContext): Promise<void> {
  const caller = await newCaller(context)
  const { message, addresses } = await duplicatesRequest(context, caller)
  const response = await sendOrder(context, caller, message)
  expectCode(response.error, ERRORS.OK, 'the certificate for addresses that are proven twice')
  const names = namesOf(context, caller, addresses)
  const { leaf } = open(response, { names, key: undefined })
  const found = [...response.altnames, response.cn ?? '']
  for (const list of [found, namesIn(leaf)]) {
    if (list.toSorted().join() !== names.toSorted().join()) {
      fail(`each of these names once: ${names.join(', ')}`, list.join(', '))
    }
  }
}

function expectOwnNames({ leaf, names: [own] }: Issued, { target }: CheckContext): void {
  for (const name of namesIn(leaf)) {
    if (!name.endsWith(`.${target.zone}`)) fail(`names in "${target.zone}"`, `"${name}"`)
    if (name.startsWith('p') && name !== own) fail(`no id0 name but "${own}"`, `"${name}"`)
  }
}

function expectChain({ chain }: Issued, { target }: CheckContext): Finding | void {
  const roots = (target.acme?.roots ?? []).map((pem) => new X509Certificate(pem))
  chain.forEach((certificate, index) => {
    const next = chain[index + 1]
    const issuers = next === undefined ? roots : [next]
    if (next === undefined && roots.length === 0) return
    const signed = issuers.some(
      (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
    )
    if (!signed && !roots.some((root) => root.raw.equals(certificate.raw))) {
      fail(
        `a signature by ${next === undefined ? 'a root of the CA (acme.roots of the target file)' : 'the next certificate'}`,
        `certificate ${index + 1}, "${certificate.subject}", issued by "${certificate.issuer}"`,
      )
    }
  })
  if (roots.length > 0) return undefined
  return {
    verdict: 'info',
    reason: 'the target names no roots: the end of the chain was not checked',
  }
}

function expectKey(leaf: X509Certificate, wanted: KeyObject): void {
  const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
  if (spki(leaf.publicKey) !== spki(wanted)) {
    fail(`a certificate for the key ${spki(wanted)}`, spki(leaf.publicKey))
  }
}

function publicOf(pem: string): KeyObject {
  try {
    return createPublicKey(createPrivateKey(pem))
  } catch (error) {
    return fail('a private key in PEM', String(error))
  }
}
