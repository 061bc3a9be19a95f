import { X509Certificate } from 'node:crypto'

/** The DNS names of a PEM certificate, lower case. */
export function certificateNames(pem: string): string[] {
  const { subjectAltName = '' } = new X509Certificate(pem)
  return subjectAltName.split(', ').map((name) => name.replace(/^DNS:/, '').toLowerCase())
}
