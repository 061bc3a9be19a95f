import 'reflect-metadata'
import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'Ed25519' } as const
const AGE_MS = 60_000

/** A certificate that signs itself, for one name and until a time of the world's clock. */
export async function makeTestCertificate({
  name,
  untilMs,
}: {
  readonly name: string
  readonly untilMs: number
}): Promise<{ readonly cert: string; readonly key: string }> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const jwk = privateKey.export({ format: 'jwk' })
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey(
      'jwk',
      { kty: 'OKP', crv: 'Ed25519', x: String(jwk.x) },
      ALGORITHM,
      true,
      ['verify'],
    ),
  }
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - AGE_MS),
      notAfter: new Date(untilMs),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
    },
    webcrypto,
  )
  const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return {
    cert: certificate.toString('pem'),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
