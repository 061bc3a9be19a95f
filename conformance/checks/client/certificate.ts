// NT-CLIENT-008: a client believes a certificate, and nothing that is said about it.
import type { Case, Finding } from '../../suite/case.ts'
import { openPlayedCa } from '../../players/certificate-authority.ts'
import { makeRsaKey, type IssueScript } from '../../players/played-issue.ts'
import { addressName, id0Name, readCsr } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { clientCase, CLIENT_ZONE, GOOD_OBTAIN } from './define.ts'
import { expectCertificate, expectFailure, onlyRequest } from './outcome.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const STRANGER = addressName('198.51.100.66', CLIENT_ZONE)

/** Certificates that a client must not use, and what is wrong with each. */
const BAD: readonly (readonly [slug: string, what: string, IssueScript])[] = [
  [
    'another-key',
    'a certificate for another key than the client has',
    ({ certify, answer, send }) =>
      send({ ...answer(certify({ publicKey: makeRsaKey().publicKey })), key: '' }),
  ],
  [
    'key-beside-it',
    'a certificate with a key that is not the one that it is for',
    ({ certify, answer, send }) =>
      send({ ...answer(certify({ publicKey: makeRsaKey().publicKey })), key: makeRsaKey().pem }),
  ],
  [
    'another-id',
    'a certificate without the id0 name of the client',
    ({ certify, answer, send, addressNames }) => send(answer(certify({ names: addressNames }))),
  ],
  [
    'id-of-another',
    'a certificate for the id0 name of another peer',
    ({ certify, answer, send, idName, addressNames }) =>
      send(answer(certify({ names: [idName.replace(/^p./, 'pz'), ...addressNames] }))),
  ],
  [
    'no-address',
    'a certificate for no address that was proven',
    ({ certify, answer, send, idName }) =>
      send({ ...answer(certify({ names: [idName] })), altnames: [] }),
  ],
  [
    'address-of-another',
    'a certificate for an address that nobody has proven',
    ({ certify, answer, send, idName }) =>
      send({ ...answer(certify({ names: [idName, STRANGER] })), altnames: [STRANGER] }),
  ],
  [
    'altname-missing',
    'a certificate without a name that altnames says it has',
    ({ answer, send, addressNames }) =>
      send({ ...answer(), altnames: [...addressNames, STRANGER] }),
  ],
  [
    'expired',
    'a certificate that has ended, although validity says otherwise',
    ({ certify, answer, send }) =>
      send({
        ...answer(certify({ notBefore: Date.now() - YEAR_MS, notAfter: Date.now() - HOUR_MS })),
        validity: Date.now() + YEAR_MS,
      }),
  ],
  [
    'chain-of-another-ca',
    'a certificate whose chain goes on with a CA that has not signed it',
    ({ certify, answer, send }) => {
      const { ca } = openPlayedCa('stranger').issue({
        names: [],
        publicKey: makeRsaKey().publicKey,
      })
      send(answer({ ...certify(), ca }))
    },
  ],
  [
    'leaf-last',
    'a chain in which the leaf is not first',
    ({ certify, answer, send }) => {
      const { leaf, ca, ...rest } = certify()
      send(answer({ ...rest, leaf: ca, ca: leaf }))
    },
  ],
  ['no-certificate', 'OK, and nothing else', ({ send }) => send({ error: 0, altnames: [] })],
  [
    'no-pem',
    'a certificate that is no PEM',
    ({ answer, send }) => send({ ...answer(), cert: 'certificate', chain: 'certificate', ca: '' }),
  ],
  [
    'broken-pem',
    'a certificate whose PEM holds nothing that can be read',
    ({ answer, send }) => {
      const pem = '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n'
      send({ ...answer(), cert: pem, chain: pem, ca: '' })
    },
  ],
]

/** What is odd about an answer, and no reason to refuse it. */
const GOOD: readonly (readonly [slug: string, what: string, IssueScript])[] = [
  [
    'beside-the-truth',
    'a certificate is taken, whatever cn and validity say about it',
    ({ answer, send }) => send({ ...answer(), cn: 'somebody.else', validity: 1 }),
  ],
  [
    'key-of-the-server',
    'a certificate for a key that the server made is taken with that key: it may not know of CSRs',
    ({ certify, answer, send }) => send(answer(certify({ keyOfServer: true }))),
  ],
  [
    'cert-and-ca',
    'cert and ca are as good as chain',
    ({ answer, send }) => {
      const { chain, ...rest } = answer()
      void chain
      send(rest)
    },
  ],
  [
    'number-unknown',
    'a cryptoType that is not known is no reason to refuse',
    ({ answer, send }) => send({ ...answer(), cryptoType: 77 }),
  ],
]

export const CERTIFICATE_CASES: readonly Case[] = [
  ...BAD.map(([slug, what, issue]) =>
    clientCase({
      id: `NT-CLIENT-008/${slug}`,
      title: `${what} is a failure`,
      play: { issue },
      async judge(play, context) {
        await expectFailure(play, context, `the issue server gave ${what}`)
        onlyRequest(play)
      },
    }),
  ),
  ...GOOD.map(([slug, title, issue]) =>
    clientCase({
      id: `NT-CLIENT-008/${slug}`,
      title,
      play: { issue },
      async judge(play, context) {
        await expectCertificate(play, context, `: ${title}`)
      },
    }),
  ),
  clientCase({
    id: 'NT-ISSUE-041/client-csr',
    title:
      'a CSR is signed with its own key, and for exactly the id0 name and the proven addresses',
    shared: GOOD_OBTAIN,
    async judge(play, context): Promise<Finding | void> {
      await expectCertificate(play, context, 'from good servers')
      const { csr } = onlyRequest(play)
      if (csr === undefined) return { verdict: 'info', reason: 'the client sends no CSR' }
      const { names, signed } = readCsr(csr)
      if (!signed) fail('a CSR that is signed with its own key', 'another signature')
      const callerId = play.eventsOf('request')[0]?.callerId
      const wanted = [
        id0Name(callerId ?? new Uint8Array(0), CLIENT_ZONE),
        addressName('127.0.0.1', CLIENT_ZONE),
      ]
      const same = names.length === wanted.length && wanted.every((name) => names.includes(name))
      if (!same) fail(`a CSR for ${wanted.join(', ')}`, names.join(', ') || 'no names')
    },
  }),
]
