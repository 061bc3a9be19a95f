// Our ACME client (RFC 8555): steps of an order on the outside; nonces, retries and Pebble's peculiarities
// inside. What a CA says is validated, bounded and typed; what it does wrong becomes an AcmeError whose
// `action` says what to do next.
export { AcmeClient } from './client.ts'
export type { NewOrder, NewOrderOptions } from './client.ts'
export { certificateId } from './certificates.ts'
export type { AcmeRequestRecord } from './http.ts'
export type { CertificateChain, RenewalInfo } from './issued.ts'
export type { ExternalAccount } from './jws.ts'
export type { Authorization, Challenge, Order, OrderStatus } from './messages.ts'
export {
  AcmeConnectionError,
  AcmeError,
  AcmeOrderInvalidError,
  AcmeProblemError,
  AcmeResponseError,
  AcmeTimeoutError,
} from './problems.ts'
export type { AcmeAction, AcmeLoss, AcmeResource, Problem, Subproblem } from './problems.ts'
export type { Account, AcmeClientInit, AcmeOptions } from './session.ts'
