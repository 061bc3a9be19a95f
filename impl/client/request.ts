import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { createCsr } from '../wire/csr.ts'

/** Makes a P-256 key for a certificate, as PKCS#8 in PEM. */
export async function createCertificateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A certificate request for `names`, of which the first is our own, in DER. */
export function createCertificateRequest(keyPem: string, names: readonly string[]): Uint8Array {
  return createCsr(createPrivateKey(keyPem), names)
}
