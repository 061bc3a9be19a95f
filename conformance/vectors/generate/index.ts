// All vector files, made anew from fixed seeds, from bytes of 2018, and from what other DNS servers answered.
import type { Kind } from '../schema.ts'
import { addressLabels } from './address-labels.ts'
import { announcements } from './announcements.ts'
import { buildFile, type DraftFile } from './build.ts'
import { certifiedNames } from './certified-names.ts'
import { csrs } from './csrs.ts'
import { dns01Requests } from './dns01-requests.ts'
import { dnsQueries } from './dns-queries.ts'
import { frames } from './frames.ts'
import { id0Labels } from './id0-labels.ts'
import { proofs } from './proofs.ts'

const MAKERS: Readonly<Record<Kind, () => DraftFile>> = {
  frames,
  id0_label: id0Labels,
  ip_label: addressLabels,
  proof_verify: proofs,
  certified_names: certifiedNames,
  dns01_request: dns01Requests,
  announcement: announcements,
  csr: csrs,
  dns_query: dnsQueries,
}

/** The text of each file, by its kind. */
export function generateVectors(): ReadonlyMap<Kind, string> {
  return new Map(
    Object.entries(MAKERS).map(([kind, make]) => [kind as Kind, buildFile(kind as Kind, make())]),
  )
}
