// A certificate for Pebble's own HTTPS, made anew for each CA: no private key lives in the repository.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

export interface HttpsCertificate {
  /** PEM; it signs itself, so it is what clients trust too. */
  readonly certificate: string
  /** PKCS #8 PEM. */
  readonly privateKey: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000
/** Clocks of a container's virtual machine may be behind ours. */
const CLOCK_DIFFERENCE_MS = 60 * 60 * 1000

/** @param init.address of the machine that serves it, beside loopback's; `days` that it is valid, 7 by default */
export async function createHttpsCertificate({
  address = '127.0.0.1',
  days = 7,
}: { readonly address?: string; readonly days?: number } = {}): Promise<HttpsCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Pebble of a Nodetrust scenario',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(now - CLOCK_DIFFERENCE_MS),
      notAfter: new Date(now + days * DAY_MS),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...[...new Set(['127.0.0.1', address])].map((value) => ({ type: 'ip' as const, value })),
          { type: 'dns', value: 'localhost' },
        ]),
      ],
    },
    webcrypto,
  )
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    certificate: certificate.toString('pem'),
    privateKey: x509.PemConverter.encode(privateKey, 'PRIVATE KEY'),
  }
}
