import type { SequenceData } from './data.ts'

/** A lifeline: a host, or all hosts of a role where they are many. */
export interface Lane {
  readonly name: string
  readonly role: string
  /** Of the data. */
  readonly hosts: readonly number[]
}

/** A role with more hosts is one lifeline, where there are many hosts in all. */
const ROLE_HOSTS_MAX = 4
const HOSTS_MAX = 14

/** The lifelines from left to right; roles that are `open` show each of their hosts. */
export function lanesOf({ hosts }: SequenceData, open: ReadonlySet<string>): readonly Lane[] {
  const roles = Map.groupBy(hosts.keys(), (index) => hosts[index]?.role ?? '')
  const crowded = hosts.length > HOSTS_MAX
  return [...roles].flatMap(([role, members]): Lane[] =>
    crowded && members.length > ROLE_HOSTS_MAX && !open.has(role)
      ? [{ name: `${role} ×${members.length}`, role, hosts: members }]
      : members.map((index) => ({ name: hosts[index]?.name ?? '', role, hosts: [index] })),
  )
}

/** Roles that can be opened or closed: those that are, or would be, one lifeline. */
export function foldableRoles({ hosts }: SequenceData): ReadonlySet<string> {
  if (hosts.length <= HOSTS_MAX) return new Set()
  const roles = Map.groupBy(hosts, ({ role }) => role)
  return new Set(
    [...roles].flatMap(([role, members]) => (members.length > ROLE_HOSTS_MAX ? [role] : [])),
  )
}
