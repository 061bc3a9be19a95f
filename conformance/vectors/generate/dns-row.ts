import { askZone, type DnsCase } from './dns-case.ts'
import type { DnsZone } from '../schema-dns.ts'
import type { Draft } from './build.ts'

export const NAME = 'nt.test'
export const ID0 = 'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8'
const value = (index: number): string => `value-${index}-`.padEnd(43, 'v')
const values = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => value(index))

/** What must be there before a server is asked. */
export const VECTOR_ZONE: DnsZone = {
  name: NAME,
  nameServers: [
    { name: `ns1.${NAME}`, addresses: ['192.0.2.1', '2001:db8::1'] },
    { name: `ns2.dns.${NAME}`, addresses: ['192.0.2.2'] },
  ],
  caa: [{ flags: 0, tag: 'issue', value: 'ca.example' }],
  challenges: [
    { name: NAME, values: values(1) },
    { name: `ip4203-0-113-7.${NAME}`, values: values(2) },
    { name: `one.${NAME}`, values: values(1) },
    { name: `many.${NAME}`, values: values(14) },
    { name: `a.b.${NAME}`, values: values(1) },
  ],
}

/** A case, and how it stands in the file. */
export interface DnsRow {
  readonly result: Draft['result']
  readonly req: string
  readonly flag: string
  readonly comment: string
  readonly case: DnsCase
}

/** A good query at that zone. */
export function ask(
  result: Draft['result'],
  req: string,
  flag: string,
  comment: string,
  query: Parameters<typeof askZone>[0],
): DnsRow {
  return { result, req, flag, comment, case: askZone(query, VECTOR_ZONE) }
}
