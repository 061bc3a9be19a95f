// Challenges by hand: values are set by the peer whose key is in the target file, and looked up with dig.
import { TYPE } from '../../dns/codes.ts'
import type { Target } from '../../suite/target.ts'
import { DNS01Request, frame, join } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { digLine } from '../dns/by-hand.ts'

/** Values as ACME has them. They go after 120 s. */
export const [ONE, OTHER] = ['v'.repeat(43), 'w'.repeat(43)] as const

/** A name that no check uses. */
export function nameByHand({ zone }: Pick<Target, 'zone'>): string {
  return `by-hand.${zone}`
}

export interface WritesInit {
  readonly protocol?: 'dns01' | 'dns01Remove'
  /** One after the other, on one stream. */
  readonly requests: readonly DNS01Request[]
  readonly shows: string
}

export function writeLine(
  target: Target,
  { protocol = 'dns01', requests, shows }: WritesInit,
): string {
  const bytes = join(...requests.map((request) => frame(DNS01Request.encode(request))))
  return send(target, { protocol, asWriter: true, bytes, shows })
}

/** A dig line for each name, or each record of one, on the first server. */
export function lookLine(
  { dns }: Target,
  {
    name,
    type = TYPE.TXT,
    shows,
  }: { readonly name: string; readonly type?: number; readonly shows: string },
): string {
  const [server] = dns
  const line = server === undefined ? undefined : digLine({ name, type }, server)
  return `${line ?? '# the target has no DNS server'}   # ${shows}`
}

/** Sets values at a name, and looks whether they are there. */
export function setAndLook(
  target: Target,
  {
    fqdn,
    values,
    shows,
  }: { readonly fqdn: string; readonly values: readonly string[]; readonly shows: string },
): string {
  const bare = fqdn.toLowerCase().replace(/\.$/, '')
  return [
    writeLine(target, {
      requests: values.map((value) => ({ fqdn, value })),
      shows: `02 08 00${values.length === 1 ? '' : `, ${values.length} times`}`,
    }),
    lookLine(target, { name: `_acme-challenge.${bare}`, shows }),
  ].join('\n')
}

/** Removes a value, and looks what is left. */
export function removeAndLook(
  target: Target,
  { fqdn, value, shows }: DNS01Request & { readonly shows: string },
): string {
  const bare = fqdn.toLowerCase().replace(/\.$/, '')
  return [
    writeLine(target, { protocol: 'dns01Remove', requests: [{ fqdn, value }], shows: '02 08 00' }),
    lookLine(target, { name: `_acme-challenge.${bare}`, shows }),
  ].join('\n')
}
