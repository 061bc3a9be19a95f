// The keys and certificates of the CA itself: roots, the chains below them, and the one key that signs all leaves.
import 'reflect-metadata'
import { createHash } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { randomId, randomSerial } from './random.ts'
import {
  ALWAYS_VALID,
  makeSigningKey,
  ONE_SIZE_CRYPTO,
  SIGNING_ALGORITHMS,
  type SigningKey,
} from '../signing.ts'
import type { Settings } from './options.ts'

export interface Authority {
  /** PEM, the usual one first. */
  readonly roots: readonly string[]
  /** Identifier of the key that signs leaves; hex. */
  readonly keyId: string
  issue(leaf: LeafPlan): Promise<Leaf>
}

export interface LeafPlan {
  readonly serial: string
  readonly names: readonly string[]
  readonly commonName: string | undefined
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface Leaf {
  readonly der: Buffer
  /** PEM: the leaf and its intermediates, for each root. */
  readonly chains: readonly string[]
}

export async function makeAuthority({
  alternateRoots,
  chainLength,
  signatures,
}: Pick<Settings, 'alternateRoots' | 'chainLength' | 'signatures'>): Promise<Authority> {
  // A CA that lost its state is another one, by name too.
  const mark = randomId(3)
  const issuer: Signer = { name: `CN=Built-in CA ${mark} issuer`, key: makeSigningKey(signatures) }
  const roots: string[] = []
  const intermediates: string[] = []
  for (let index = 0; index <= alternateRoots; index++) {
    const root: Signer = {
      name: `CN=Built-in CA ${mark} root ${index + 1}`,
      key: makeSigningKey(signatures),
    }
    roots.push(await certifyCa(root, root))
    // From the root down; the last is the issuer, whatever root it is below.
    const chain: string[] = []
    let parent = root
    for (let depth = 1; depth <= chainLength; depth++) {
      const last = depth === chainLength
      const signer: Signer = last
        ? issuer
        : {
            name: `CN=Built-in CA ${mark} intermediate ${index + 1}.${depth}`,
            key: makeSigningKey(signatures),
          }
      chain.unshift(await certifyCa(signer, parent))
      parent = signer
    }
    intermediates.push(chain.join(''))
  }
  return {
    roots,
    keyId: keyIdOf(issuer.key.publicKey),
    issue: async (plan) => {
      const leaf = await certifyLeaf(plan, issuer)
      const pem = pemOf(leaf)
      return {
        der: Buffer.from(leaf.rawData),
        chains: intermediates.map((below) => `${pem}${below}`),
      }
    },
  }
}

interface Signer {
  readonly name: string
  readonly key: SigningKey
}

async function certifyCa(subject: Signer, issuer: Signer): Promise<string> {
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject: subject.name,
      issuer: issuer.name,
      publicKey: subject.key.publicKey,
      signingKey: issuer.key.privateKey,
      signingAlgorithm: SIGNING_ALGORITHMS[issuer.key.kind],
      ...ALWAYS_VALID,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(keyCertSign | cRLSign | digitalSignature, true),
        new x509.SubjectKeyIdentifierExtension(keyIdOf(subject.key.publicKey)),
        new x509.AuthorityKeyIdentifierExtension(keyIdOf(issuer.key.publicKey)),
      ],
    },
    ONE_SIZE_CRYPTO,
  )
  return pemOf(certificate)
}

async function certifyLeaf(plan: LeafPlan, issuer: Signer): Promise<x509.X509Certificate> {
  const { commonName } = plan
  const names = plan.names.map((value) => ({ type: 'dns' as const, value }))
  return await x509.X509CertificateGenerator.create(
    {
      serialNumber: plan.serial,
      ...(commonName === undefined ? {} : { subject: [{ CN: [commonName] }] }),
      issuer: issuer.name,
      publicKey: plan.publicKey,
      signingKey: issuer.key.privateKey,
      signingAlgorithm: SIGNING_ALGORITHMS[issuer.key.kind],
      notBefore: plan.notBefore,
      notAfter: plan.notAfter,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        // Public CAs no longer certify clients.
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        // RFC 9773 names a certificate by this and its serial number.
        new x509.AuthorityKeyIdentifierExtension(keyIdOf(issuer.key.publicKey)),
        // RFC 5280 section 4.2.1.6: critical where the subject is empty.
        new x509.SubjectAlternativeNameExtension(names, commonName === undefined),
      ],
    },
    ONE_SIZE_CRYPTO,
  )
}

/** RFC 7093 section 2, method 1: 160 bits of a hash of the public key. */
function keyIdOf(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 40)
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`
}
