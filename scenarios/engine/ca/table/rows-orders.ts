// Orders and authorizations: RFC 8555 sections 7.4 and 7.5.
import { bothPebbles, outcome, type Row } from './row.ts'
import type { TableWorld } from './world.ts'

async function order(
  { client, account }: TableWorld,
  identifiers: readonly unknown[],
): Promise<string> {
  return outcome(await client.post(await client.url('newOrder'), { identifiers }, account))
}

const dns = (value: string): object => ({ type: 'dns', value })

export const orderRows: readonly Row[] = [
  {
    name: 'a new order has its names, an authorization for each, and is pending',
    act: async (world) => {
      const names = [world.name(), world.name()]
      const { reply, url, authorizations, finalize } = await world.order(names)
      const identifiers = reply.json['identifiers'] as readonly { readonly value: string }[]
      return [
        reply.status,
        reply.json['status'],
        identifiers
          .map(({ value }) => value)
          .toSorted()
          .join() === names.toSorted().join(),
        authorizations.length,
        Date.parse(String(reply.json['expires'])) > Date.now(),
        [url, finalize].every((text) => URL.canParse(text)),
        'certificate' in reply.json,
      ]
    },
    seen: [201, 'pending', true, 2, true, true, false],
  },
  {
    name: 'names are taken in lower case, and each once',
    act: async (world) => {
      const name = world.name()
      const { reply } = await world.order([name, name.toUpperCase()])
      return (reply.json['identifiers'] as unknown[]).length
    },
    seen: 1,
  },
  {
    name: 'an order for nothing is refused',
    act: (world) => order(world, []),
    seen: '400 malformed',
  },
  {
    name: 'names that are none are refused',
    act: async (world) => {
      const names = [
        '',
        'under_score.nt.example',
        'dot.nt.example.',
        'a.*.nt.example',
        '*.*.nt.example',
        '203.0.113.1',
        `${'a.'.repeat(126)}aa`,
      ]
      const results: string[] = []
      for (const name of names) results.push(await order(world, [dns(name)]))
      return results
    },
    seen: Array.from({ length: 7 }, () => '400 malformed'),
  },
  {
    name: 'an identifier of a kind that nobody knows is refused',
    act: (world) => order(world, [{ type: 'phone', value: '+123' }]),
    seen: '400 unsupportedIdentifier',
    differs: bothPebbles('400 malformed', 'RFC 8555 section 6.7 has a type for it'),
  },
  {
    name: 'addresses are ordered as identifiers of their own',
    act: (world) => order(world, [{ type: 'ip', value: '203.0.113.1' }]),
    seen: '400 unsupportedIdentifier',
    differs: bothPebbles(
      '201',
      'they are validated by http-01 and tls-alpn-01 only, which the built-in CA has not',
    ),
  },
  {
    name: 'an order cannot be read by another account',
    act: async (world) => {
      const { url, authorizations, finalize } = await world.order()
      const [authorization = ''] = authorizations
      const challenge = await world.challenge(authorization)
      const { client, stranger } = world
      return [
        outcome(await client.get(url, stranger)),
        outcome(await client.get(authorization, stranger)),
        outcome(await client.get(challenge.url, stranger)),
        outcome(await client.post(challenge.url, {}, stranger)),
        outcome(await client.post(finalize, { csr: 'AAAA' }, stranger)),
      ]
    },
    seen: Array.from({ length: 5 }, () => '403 unauthorized'),
  },
  {
    name: 'an authorization is for its name, pending, and can be met by dns-01 with a token',
    act: async (world) => {
      const name = world.name()
      const { authorizations } = await world.order([name])
      const { reply, token, url } = await world.challenge(authorizations[0] ?? '')
      const challenge = await world.client.get(url, world.account)
      return [
        reply.json['status'],
        (reply.json['identifier'] as { readonly value: string }).value === name,
        'wildcard' in reply.json,
        /^[\w-]{22,}$/.test(token),
        challenge.json['status'],
        challenge.json['type'],
        challenge.json['token'] === token,
      ]
    },
    seen: ['pending', true, false, true, 'pending', 'dns-01', true],
  },
  {
    name: 'a challenge is linked to its authorization',
    act: async (world) => {
      const { authorizations } = await world.order()
      const { url } = await world.challenge(authorizations[0] ?? '')
      const reply = await world.client.post(url, {}, world.account)
      return reply.links('up')[0] === authorizations[0]
    },
    seen: true,
  },
  {
    name: 'an authorization for a name also has challenges of other types',
    act: async (world) => {
      const { authorizations } = await world.order()
      const { reply } = await world.challenge(authorizations[0] ?? '')
      const challenges = reply.json['challenges'] as readonly { readonly type: string }[]
      return challenges.map(({ type }) => type).toSorted()
    },
    seen: ['dns-01'],
    differs: {
      'Pebble 2.4': {
        seen: ['dns-01', 'http-01', 'tls-alpn-01'],
        reason: 'the built-in CA asks DNS alone',
      },
      'Pebble 2.10': {
        seen: ['dns-01', 'dns-account-01', 'dns-persist-01', 'http-01', 'tls-alpn-01'],
        reason: 'the built-in CA asks DNS alone',
      },
    },
  },
  {
    name: 'a wildcard is authorized by its base name',
    act: async (world) => {
      const base = world.name()
      const { authorizations } = await world.order([`*.${base}`])
      const { reply } = await world.challenge(authorizations[0] ?? '')
      const { value } = reply.json['identifier'] as { readonly value: string }
      return [value === base, reply.json['wildcard']]
    },
    seen: [true, true],
  },
  {
    name: 'a name and its wildcard in one order are two authorizations with two values at one place',
    act: async (world) => {
      const base = world.name()
      const { url, authorizations } = await world.order([`*.${base}`, base])
      for (const authorization of authorizations) await world.answer(authorization)
      return [authorizations.length, (await world.settled(url, ['pending'])).json['status']]
    },
    seen: [2, 'ready'],
  },
  {
    name: 'an order is finalized only when it is ready',
    act: async (world) => {
      const { finalize } = await world.order()
      return outcome(await world.client.post(finalize, { csr: 'AAAA' }, world.account))
    },
    seen: '403 orderNotReady',
  },
  {
    name: 'a challenge is answered once',
    act: async (world) => {
      const { authorizations } = await world.order()
      const [authorization = ''] = authorizations
      const before = await world.answer(authorization)
      const { url } = await world.challenge(authorization)
      return [before.json['status'], outcome(await world.client.post(url, {}, world.account))]
    },
    seen: ['valid', '400 malformed'],
  },
  {
    name: 'a deactivated authorization ends its order',
    act: async (world) => {
      const { url, authorizations } = await world.ready()
      const [authorization = ''] = authorizations
      const { client, account } = world
      const other = await client.post(authorization, { status: 'valid' }, account)
      const reply = await client.post(authorization, { status: 'deactivated' }, account)
      const ended = await client.get(url, account)
      return [outcome(other), reply.json['status'], ended.json['status']]
    },
    seen: ['400 malformed', 'deactivated', 'invalid'],
    differs: {
      'Pebble 2.4': {
        seen: ['400 malformed', 'deactivated', 'deactivated'],
        reason: 'a status that no order has, gone since 2.8',
      },
    },
  },
  {
    name: 'an order that failed is not ready, and a new one for the same name begins anew',
    act: async (world) => {
      const name = world.name()
      const failed = await world.order([name])
      await world.answer(failed.authorizations[0] ?? '', () => ({ texts: ['wrong'] }))
      const { json } = await world.settled(failed.url, ['pending'])
      const again = await world.order([name])
      return [json['status'], again.reply.json['status']]
    },
    seen: ['invalid', 'pending'],
  },
  {
    name: 'dates that cannot be read are refused with the order',
    act: async (world) => {
      const { client, account } = world
      const reply = await client.newOrder(account, [world.name()], { notAfter: 'tomorrow' })
      return outcome(reply)
    },
    seen: '400 malformed',
    differs: bothPebbles('201', 'it finds out when the order is finalized, and never ends that'),
  },
]
