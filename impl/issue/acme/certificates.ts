import 'reflect-metadata'

import { X509Certificate } from 'node:crypto'

import * as x509 from '@peculiar/x509'

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
  const certificate = new x509.X509Certificate(pem)
  const keyId = certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId
  if (keyId === undefined) return undefined
  // The DER of a positive integer: a zero byte before a first bit that is set.
  const digits = certificate.serialNumber.replace(/^(?:00)+/, '')
  const serial = /^[89a-f]/i.test(digits) ? `00${digits}` : digits
  const encode = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url')
  return `${encode(keyId)}.${encode(serial)}`
}

/** The DER of the first certificate of a PEM text. */
export function leafDer(pem: string): Buffer {
  return new X509Certificate(pem).raw
}
