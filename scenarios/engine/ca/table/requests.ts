// Certificate signing requests, good and bad, for the rows of the table.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Key } from './raw-client.ts'

/** In base64url, as finalize wants it. */
export async function makeCsr({
  names,
  key,
  commonName,
  signature = 'good',
}: {
  readonly names: readonly string[]
  /** ES256 or RS256. */
  readonly key: Key
  readonly commonName?: string
  readonly signature?: 'good' | 'broken'
}): Promise<string> {
  const algorithm =
    key.alg === 'RS256'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = {
    privateKey: key.privateKey.toCryptoKey(algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', { ...key.jwk }, algorithm, true, ['verify']),
  }
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      keys,
      signingAlgorithm: algorithm,
      ...(commonName === undefined ? {} : { name: `CN=${commonName}` }),
      extensions:
        names.length === 0
          ? []
          : [
              new x509.SubjectAlternativeNameExtension(
                names.map((value) => ({ type: 'dns' as const, value })),
              ),
            ],
    },
    webcrypto,
  )
  const der = Buffer.from(request.rawData)
  // The last byte is the signature's.
  if (signature === 'broken') der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
  return der.toString('base64url')
}
