// A certificate for a CA's own HTTPS, made anew for each: no private key lives in the repository.
import 'reflect-metadata'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import {
  ALWAYS_VALID,
  makeSigningKey,
  ONE_SIZE_CRYPTO,
  SIGNING_ALGORITHMS,
  type SignatureKind,
} from './signing.ts'

export interface HttpsCertificate {
  /** PEM; it signs itself, so it is what clients trust too. */
  readonly certificate: string
  /** PKCS #8 PEM. */
  readonly privateKey: string
}

export interface HttpsCertificateOptions {
  /** Addresses and names that it is for. @default 127.0.0.1 and localhost */
  readonly hosts?: readonly string[]
  /**
   * Of its key. With `ed25519` all handshakes are equally long, which a simulation can compare; a stranger's client may not
   * know it. @default 'ecdsa'
   */
  readonly signatures?: SignatureKind
}

export async function createHttpsCertificate({
  hosts = ['127.0.0.1', 'localhost'],
  signatures = 'ecdsa',
}: HttpsCertificateOptions = {}): Promise<HttpsCertificate> {
  const key = makeSigningKey(signatures)
  const name = 'CN=ACME CA of a Nodetrust scenario'
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: name,
      issuer: name,
      serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8)))
        .fill(1, 0, 1)
        .toString('hex'),
      publicKey: key.publicKey,
      signingKey: key.privateKey,
      signingAlgorithm: SIGNING_ALGORITHMS[signatures],
      ...ALWAYS_VALID,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
        ),
      ],
    },
    ONE_SIZE_CRYPTO,
  )
  return { certificate: certificate.toString('pem'), privateKey: key.pem }
}
