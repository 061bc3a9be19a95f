import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const

/** RFC 5280, upper bounds: ub-common-name. */
const COMMON_NAME_BYTES_MAX = 64

/** Makes a P-256 key for a certificate, as PKCS#8 in PEM. */
export async function createCertificateKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}

/**
 * A certificate request for `names`, of which the first is our own, in DER. The own name is the common name too where
 * that has room for it (NT-ISSUE-025).
 */
export async function createCertificateRequest(
  keyPem: string,
  names: readonly string[],
): Promise<Uint8Array> {
  const [idName = ''] = names
  const hasCommonName = Buffer.byteLength(idName) <= COMMON_NAME_BYTES_MAX
  // The generator is given its crypto each time: @peculiar/x509's global provider belongs to the application.
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      name: hasCommonName ? `CN=${idName}` : '',
      keys: await importKeys(keyPem),
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: 'dns' as const, value })),
          // RFC 5280 §4.2.1.6: critical when the subject is empty.
          !hasCommonName,
        ),
      ],
    },
    webcrypto,
  )
  return new Uint8Array(request.rawData)
}

async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const der = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64')
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, true, ['sign'])
  // The public half is in the private key: its JWK without "d".
  const {
    d: _secret,
    key_ops: _operations,
    ...jwk
  } = await webcrypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await webcrypto.subtle.importKey('jwk', jwk, KEY_ALGORITHM, true, ['verify'])
  return { privateKey, publicKey }
}
