// What DNS says, and what becomes of the challenge: RFC 8555 section 8.4.
import { bothPebbles, type Row } from './row.ts'
import type { DnsSaying, TableWorld } from './world.ts'

/** What a challenge comes to, with the type of its problem. */
async function validated(world: TableWorld, saying: (value: string) => DnsSaying): Promise<string> {
  const { url, authorizations } = await world.order()
  const { json } = await world.answer(authorizations[0] ?? '', saying)
  const challenges = json['challenges'] as readonly {
    readonly type: string
    readonly error?: { readonly type: string }
  }[]
  const problem = challenges.find(({ error }) => error !== undefined)?.error?.type
  const order = await world.settled(url, ['pending'])
  return [String(json['status']), String(order.json['status']), problem?.split(':').at(-1)]
    .filter((text) => text !== undefined)
    .join(' ')
}

const GOOD = 'valid ready'
const NO_DNS_TYPE = 'every failure is unauthorized there; Boulder says dns, of RFC 8555 section 6.7'

const row = (
  name: string,
  saying: (value: string) => DnsSaying,
  seen: string,
  differs?: Row['differs'],
): Row => ({
  name: `dns-01: ${name}`,
  act: (world) => validated(world, saying),
  seen,
  ...(differs === undefined ? {} : { differs }),
})

export const validationRows: readonly Row[] = [
  row('the value alone', (value) => ({ texts: [value] }), GOOD),
  row('the value among others', (value) => ({ texts: ['a', 'b', value, 'c'] }), GOOD),
  row(
    'the value as two strings of one record',
    (value) => ({ texts: [[value.slice(0, 9), value.slice(9)]] }),
    GOOD,
    {
      'Pebble 2.4': {
        seen: 'invalid invalid unauthorized',
        reason: 'strings are joined since 2.10, as public CAs do',
      },
    },
  ),
  row('the value of an alias', (value) => ({ texts: [value], alias: 'alias.nt.example' }), GOOD),
  row('an alias alone', () => ({ alias: 'alias.nt.example' }), 'invalid invalid unauthorized'),
  row('another value', () => ({ texts: ['x'.repeat(43)] }), 'invalid invalid unauthorized'),
  row(
    'the value in quotes',
    (value) => ({ texts: [`"${value}"`] }),
    'invalid invalid unauthorized',
  ),
  row('nothing', () => ({}), 'invalid invalid unauthorized'),
  row(
    'NXDOMAIN',
    () => ({ rcode: 3 }),
    'invalid invalid dns',
    bothPebbles('invalid invalid unauthorized', NO_DNS_TYPE),
  ),
  row(
    'SERVFAIL',
    () => ({ rcode: 2 }),
    'invalid invalid dns',
    bothPebbles('invalid invalid unauthorized', NO_DNS_TYPE),
  ),
  row(
    'REFUSED',
    () => ({ rcode: 5 }),
    'invalid invalid dns',
    bothPebbles('invalid invalid unauthorized', NO_DNS_TYPE),
  ),
  row(
    'the value by TCP only, UDP being silent',
    (value) => ({ texts: [value], udp: 'silent' }),
    GOOD,
    {
      'Pebble 2.4': {
        seen: 'invalid invalid unauthorized',
        reason: 'it asks by UDP only, later ones by TCP only; the built-in CA by both',
      },
    },
  ),
  row(
    'the value by TCP only, UDP being truncated',
    (value) => ({ texts: [value], udp: 'truncated' }),
    GOOD,
    {
      'Pebble 2.4': {
        seen: 'invalid invalid unauthorized',
        reason: 'it asks by UDP only, later ones by TCP only; the built-in CA by both',
      },
    },
  ),
]
