// Nodetrust: a certificate for every libp2p node. Each export is a libp2p service, `services: { x: x({ … }) }`.
export {
  nodetrust,
  CertificateError,
  NodetrustClient,
  NoProofError,
  type Certificate,
  type NodetrustEvents,
  type NodetrustInit,
} from './client/index.ts'
export {
  proofServer,
  ProofServer,
  type ProofServerEvents,
  type ProofServerInit,
} from './proof/index.ts'
export { dnsServer, DnsServer, type DnsServerEvents, type DnsServerInit } from './dns/index.ts'
export {
  issueServer,
  IssueServer,
  type BudgetsInit,
  type BudgetState,
  type IssueServerEvents,
  type IssueServerInit,
} from './issue/index.ts'
export { ROLE_EVENTS, type EventLevel, type RoleEvent } from './events.ts'
export { RefusalError, type RefusalCode } from './wire/errors.ts'
export * as wire from './wire/index.ts'
