import type { Capability, Case, Role } from './case.ts'
import type { Target } from './target.ts'

/** Why a case does not apply to a target: what the target does not have, in a sentence; undefined where it applies. */
export function missingPart(one: Case, target: Target): string | undefined {
  const role = ROLES[one.role](target)
  if (role !== undefined) return role
  const { keyType } = one
  if (keyType !== undefined && target.keyTypes?.includes(keyType) === false) {
    return `the target does not claim the key type "${keyType}"`
  }
  const missing = (one.needs ?? []).filter((need) => !target.capabilities.includes(need))
  if (missing.length === 0) return undefined
  const names = missing.map((need: Capability) => `"${need}"`).join(', ')
  return `the target does not claim the ${missing.length === 1 ? 'capability' : 'capabilities'} ${names}`
}

const ROLES: Readonly<Record<Role, (target: Target) => string | undefined>> = {
  proof: ({ proof }) => (proof.length > 0 ? undefined : 'the target names no proof server'),
  issue: ({ issue }) => (issue === undefined ? 'the target names no issue server' : undefined),
  dns: ({ dns }) => (dns.length > 0 ? undefined : 'the target names no DNS server'),
  dns01: ({ dns01 }) =>
    dns01 === undefined ? 'the target does not say where challenges are set' : undefined,
  discovery: ({ dns01, issue }) =>
    dns01 === undefined && issue === undefined
      ? 'the target names neither an issue server nor where challenges are set'
      : undefined,
  client: ({ client }) =>
    client === undefined ? 'clients are checked by the command "client"' : undefined,
}
