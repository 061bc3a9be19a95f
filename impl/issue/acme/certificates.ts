import { X509Certificate } from 'node:crypto'

import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AuthorityKeyIdentifier,
  Certificate,
  id_ce_authorityKeyIdentifier,
} from '@peculiar/asn1-x509'

import { AcmeResponseError } from './problems.ts'

/** A real chain has two to four. */
const CHAIN_LENGTH_MAX = 10

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/**
 * Reads a chain as the CA gives it: the leaf first (RFC 8555 section 7.4.2).
 * @returns the same certificates, with nothing between them
 * @throws {AcmeResponseError} when it holds anything but certificates, which section 11.4 warns of
 */
export function parseChain(body: string): readonly string[] {
  const blocks = body.match(BLOCK) ?? []
  if (
    blocks.length === 0 ||
    blocks.length > CHAIN_LENGTH_MAX ||
    body.replaceAll(BLOCK, '').trim()
  ) {
    throw new AcmeResponseError(
      `ca gave a chain that is not 1 to ${CHAIN_LENGTH_MAX} pem certificates and nothing else`,
    )
  }
  try {
    return blocks.map((block) => new X509Certificate(block).toString())
  } catch (cause) {
    throw new AcmeResponseError('ca gave a certificate that cannot be read', { cause })
  }
}

/** Whether the chain ends under a root with this common name. */
export function endsUnder(chain: readonly string[], commonName: string): boolean {
  const last = chain.at(-1)
  if (last === undefined) return false
  return new X509Certificate(last).issuer.split('\n').includes(`CN=${commonName}`)
}

/**
 * The name of a certificate for ARI and `replaces` (RFC 9773 section 4.1).
 * @returns undefined for a certificate without an authority key identifier
 */
export function certificateId(pem: string): string | undefined {
  const { extensions, serialNumber } = AsnConvert.parse(leafDer(pem), Certificate).tbsCertificate
  const extension = extensions?.find(({ extnID }) => extnID === id_ce_authorityKeyIdentifier)
  if (extension === undefined) return undefined
  const { keyIdentifier } = AsnConvert.parse(extension.extnValue, AuthorityKeyIdentifier)
  if (keyIdentifier === undefined) return undefined
  const encode = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('base64url')
  // The serial number is the content of its DER integer, a leading zero byte included.
  return `${encode(keyIdentifier.buffer)}.${encode(serialNumber)}`
}

/** The DER of the first certificate of a PEM text. */
export function leafDer(pem: string): Buffer {
  return new X509Certificate(pem).raw
}
