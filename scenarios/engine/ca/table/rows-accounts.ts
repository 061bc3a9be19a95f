// Accounts: RFC 8555 section 7.3.
import { makeKey, signed, type Account, type Key } from './raw-client.ts'
import { bothPebbles, outcome, type Row } from './row.ts'
import type { TableWorld } from './world.ts'

async function change(
  { client }: TableWorld,
  account: Account,
  newKey: Key,
  other: { readonly oldKey?: object; readonly account?: string; readonly url?: string } = {},
) {
  const url = await client.url('keyChange')
  const payload = { account: other.account ?? account.url, oldKey: other.oldKey ?? account.key.jwk }
  const header = { alg: newKey.alg, jwk: newKey.jwk, url: other.url ?? url }
  return await client.post(url, signed(header, payload, newKey), account)
}

export const accountRows: readonly Row[] = [
  {
    name: 'a new account is made once for a key, and found again at the same place',
    act: async ({ client }) => {
      const key = makeKey()
      const wanted = { contact: ['mailto:someone@nt.example'] }
      const [made, found] = [await client.newAccount(key, wanted), await client.newAccount(key)]
      return [
        made.status,
        made.json['status'],
        made.json['contact'],
        typeof made.json['orders'],
        found.status,
        found.headers.location === made.headers.location,
      ]
    },
    seen: [201, 'valid', ['mailto:someone@nt.example'], 'string', 200, true],
  },
  {
    name: 'an account that does not exist is not made where only an existing one is asked for',
    act: async ({ client, account }) => [
      outcome(await client.newAccount(makeKey(), { onlyReturnExisting: true })),
      outcome(await client.newAccount(account.key, { onlyReturnExisting: true })),
    ],
    seen: ['400 accountDoesNotExist', '200'],
  },
  {
    name: 'who does not agree to the terms of service is told where they are',
    act: async ({ client }) => {
      const reply = await client.newAccount(makeKey(), { termsOfServiceAgreed: false })
      return [outcome(reply), reply.links('terms-of-service').length]
    },
    seen: ['403 userActionRequired', 1],
    differs: {
      'Pebble 2.4': {
        seen: ['403 agreementRequired', 1],
        reason: 'that type is of no RFC, and gone since 2.9',
      },
    },
  },
  {
    name: 'contacts that are no e-mail address are refused',
    act: async ({ client }) => {
      const results: string[] = []
      for (const contact of ['tel:+123', 'mailto:nobody', 'mailto:a@nt.example,b@nt.example']) {
        results.push(outcome(await client.newAccount(makeKey(), { contact: [contact] })))
      }
      return results
    },
    seen: ['400 unsupportedContact', '400 invalidContact', '400 invalidContact'],
  },
  {
    name: 'contacts are changed, and an account is read by POST-as-GET',
    act: async ({ client }) => {
      const account = await client.account()
      const contact = ['mailto:other@nt.example']
      const changed = await client.post(account.url, { contact }, account)
      const read = await client.get(account.url, account)
      return [changed.status, read.status, read.json['contact']]
    },
    seen: [200, 200, ['mailto:other@nt.example']],
  },
  {
    name: 'an account cannot be given another status than deactivated',
    act: async ({ client }) => {
      const account = await client.account()
      return outcome(await client.post(account.url, { status: 'revoked' }, account))
    },
    seen: '400 malformed',
  },
  {
    name: 'a deactivated account is refused everything, and its key too',
    act: async ({ client }) => {
      const account = await client.account()
      const deactivated = await client.post(account.url, { status: 'deactivated' }, account)
      return [
        deactivated.json['status'],
        outcome(await client.newOrder(account, ['deactivated.nt.example'])),
        outcome(await client.newAccount(account.key)),
      ]
    },
    seen: ['deactivated', '401 unauthorized', '401 unauthorized'],
    differs: bothPebbles(
      ['deactivated', '403 unauthorized', '403 unauthorized'],
      'RFC 8555 section 7.3.6 says 401',
    ),
  },
  {
    name: 'an account gets another key, and the old one is refused',
    act: async (world) => {
      const { client } = world
      const account = await client.account()
      const key = makeKey()
      const changed = await change(world, account, key)
      return [
        changed.status,
        outcome(await client.get(account.url, { ...account, key })),
        outcome(await client.get(account.url, account)),
        (await client.newAccount(key)).headers.location === account.url,
      ]
    },
    seen: [200, '200', '400 malformed', true],
  },
  {
    name: 'a key change with the key of another account is a conflict, and says with whom',
    act: async (world) => {
      const { client, stranger } = world
      const account = await client.account()
      const reply = await change(world, account, stranger.key)
      return [reply.status, reply.headers.location === stranger.url]
    },
    seen: [409, true],
    differs: {
      'Pebble 2.4': { seen: [500, false], reason: 'its answer is lost, or says that all is well' },
      'Pebble 2.10': { seen: [200, false], reason: 'its answer is lost, or says that all is well' },
    },
  },
  {
    name: 'a key change for another account, with another old key, to the same key or URL is refused',
    act: async (world) => {
      const { client, stranger } = world
      const account = await client.account()
      return [
        outcome(await change(world, account, makeKey(), { account: stranger.url })),
        outcome(await change(world, account, makeKey(), { oldKey: stranger.key.jwk })),
        outcome(await change(world, account, account.key)),
        outcome(await change(world, account, makeKey(), { url: account.url })),
      ]
    },
    seen: ['400 malformed', '400 malformed', '400 malformed', '400 malformed'],
  },
  {
    name: 'a binding to an external account that is not known is refused',
    act: async ({ client }) => {
      const key = makeKey()
      const header = { alg: 'HS256', kid: 'nobody', url: await client.url('newAccount') }
      const externalAccountBinding = signed(header, key.jwk, makeKey())
      return outcome(await client.newAccount(key, { externalAccountBinding }))
    },
    seen: '403 unauthorized',
  },
  {
    name: 'the orders of an account are listed by pages of three',
    act: async (world) => {
      const { client } = world
      const account = await client.account()
      const urls: string[] = []
      for (let count = 0; count < 4; count++) urls.push((await world.order(undefined, account)).url)
      const list = String((await client.get(account.url, account)).json['orders'])
      const first = await client.get(list, account)
      const next = await client.get(first.links('next')[0] ?? '', account)
      const [one, two] = [first, next].map(({ json }) => json['orders'] as string[])
      return [
        one?.length,
        two?.length,
        [...(one ?? []), ...(two ?? [])].toSorted().join() === urls.toSorted().join(),
      ]
    },
    seen: [3, 1, true],
  },
]
