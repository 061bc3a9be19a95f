import { X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  AuthorityKeyIdentifier,
  Certificate,
  id_ce_authorityKeyIdentifier,
} from '@peculiar/asn1-x509'

/** The name of a certificate (RFC 9773 section 4.1). */
export function certificateId(pem: string): string {
  const { tbsCertificate } = AsnConvert.parse(new X509Certificate(pem).raw, Certificate)
  const extension = tbsCertificate.extensions?.find(
    ({ extnID }) => extnID === id_ce_authorityKeyIdentifier,
  )
  const identifier = extension && AsnConvert.parse(extension.extnValue, AuthorityKeyIdentifier)
  const parts = [
    identifier?.keyIdentifier?.buffer ?? new ArrayBuffer(),
    tbsCertificate.serialNumber,
  ]
  return parts.map((part) => Buffer.from(part).toString('base64url')).join('.')
}
