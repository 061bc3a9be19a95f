import { Counter, type Registry } from 'prom-client'
import type { ProofServer } from '../proof/index.ts'
import { CODE_LABELS, codeLabel } from './codes.ts'

/** Counts what a proof server does. */
export function watchProof(server: ProofServer, registry: Registry): void {
  const signed = new Counter({
    name: 'nodetrust_proofs_signed_total',
    help: 'Proofs signed',
    registers: [registry],
  })
  const refused = new Counter({
    name: 'nodetrust_proofs_refused_total',
    help: 'Requests for a proof that got none, by the error of the protocol',
    labelNames: ['code'],
    registers: [registry],
  })
  for (const code of CODE_LABELS) refused.inc({ code }, 0)
  server.addEventListener('proof:signed', () => signed.inc())
  server.addEventListener('proof:refused', ({ detail }) => {
    refused.inc({ code: codeLabel(detail.code) })
  })
}
