import { ERROR_CODES } from '../wire/errors.ts'
import type { IssueResponse } from '../wire/messages.ts'
import type { ObtainedCertificate } from './orders.ts'
import type { CertificateOrder } from './request.ts'

/** The answer to a request that was granted. NT-ISSUE-022: `cn` is the id0 name even where it is too long for the certificate's subject (NT-ISSUE-025). */
export function toResponse(order: CertificateOrder, issued: ObtainedCertificate): IssueResponse {
  return {
    error: ERROR_CODES.OK,
    cert: Buffer.from(issued.certificate),
    chain: Buffer.from(issued.certificate + issued.ca),
    ca: Buffer.from(issued.ca),
    key: Buffer.from(issued.key ?? ''),
    cn: order.id0Name,
    altnames: order.addressNames,
    validity: issued.notAfter,
    fromCache: issued.fromCache,
    cryptoType: issued.cryptoType,
  }
}
