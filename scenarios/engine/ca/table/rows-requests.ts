// Requests and their signatures: RFC 8555 section 6.
import { makeKey, signed } from './raw-client.ts'
import { bothPebbles, outcome, type Row } from './row.ts'
import type { TableWorld } from './world.ts'

/** A newOrder whose identifiers are none: it is refused as malformed, in words of its own, once it is admitted. */
async function ask(
  { client, account }: TableWorld,
  sent: Parameters<typeof client.post>[3] = {},
): Promise<string> {
  const reply = await client.post(await client.url('newOrder'), { identifiers: [] }, account, sent)
  return outcome(reply)
}

export const requestRows: readonly Row[] = [
  {
    name: 'the directory names the resources of RFC 8555',
    act: async ({ client }) => {
      const { json } = await client.send('GET', client.directoryUrl)
      return ['newNonce', 'newAccount', 'newOrder', 'revokeCert', 'keyChange'].filter(
        (resource) => !URL.canParse(String(json[resource])),
      )
    },
    seen: [],
  },
  {
    name: 'the directory names renewalInfo',
    act: async ({ client }) => URL.canParse(await client.url('renewalInfo')),
    seen: true,
    differs: { 'Pebble 2.4': { seen: false, reason: 'ARI came with 2.6' } },
  },
  {
    name: 'the directory is the only resource without a link to the index',
    act: async ({ client }) => {
      const nonce = await client.send('HEAD', await client.url('newNonce'))
      const directory = await client.send('GET', client.directoryUrl)
      return [nonce.links('index')[0] === client.directoryUrl, directory.links('index').length]
    },
    seen: [true, 0],
  },
  {
    name: 'the directory is also given to a POST-as-GET',
    act: async ({ client, account }) => {
      const reply = await client.post(client.directoryUrl, '', account)
      return [reply.status, 'newOrder' in reply.json, reply.headers['replay-nonce'] !== undefined]
    },
    seen: [200, true, true],
  },
  {
    name: 'newNonce answers HEAD with 200 and GET with 204, a nonce each, not to be stored',
    act: async ({ client }) => {
      const url = await client.url('newNonce')
      const replies = [await client.send('HEAD', url), await client.send('GET', url)]
      const [one, other] = replies.map(({ headers }) => String(headers['replay-nonce']))
      return [
        replies.map(({ status }) => status),
        one !== other && /^[\w-]+$/.test(`${one}${other}`),
        replies.every(({ headers }) => /no-store/.test(headers['cache-control'] ?? '')),
      ]
    },
    seen: [[200, 204], true, true],
    differs: bothPebbles(
      [[200, 204], true, false],
      'it says no-cache; RFC 8555 section 7.2 wants no-store',
    ),
  },
  {
    name: 'a good request is admitted, and its answer has a nonce',
    act: ask,
    seen: '400 malformed',
  },
  {
    name: 'the nonce of a refusal is good for the next request',
    act: async (world) => {
      const { client, account } = world
      const url = await client.url('newOrder')
      const refused = await client.post(url, {}, account, { header: { nonce: 'bm9uc2Vuc2U' } })
      const nonce = refused.headers['replay-nonce']
      return [outcome(refused), await ask(world, { header: { nonce } })]
    },
    seen: ['400 badNonce', '400 malformed'],
  },
  {
    name: 'a nonce is good once',
    act: async (world) => {
      const nonce = await world.client.nonce()
      return [await ask(world, { header: { nonce } }), await ask(world, { header: { nonce } })]
    },
    seen: ['400 malformed', '400 badNonce'],
  },
  {
    name: 'a request without a nonce is refused',
    act: (world) => ask(world, { header: { nonce: undefined } }),
    seen: '400 badNonce',
  },
  {
    name: 'a request that names another URL is refused',
    act: (world) => ask(world, { header: { url: 'https://127.0.0.1/elsewhere' } }),
    seen: '403 unauthorized',
    differs: bothPebbles('400 malformed', 'RFC 8555 section 6.4 says unauthorized'),
  },
  {
    name: 'a request that names no URL is refused',
    act: (world) => ask(world, { header: { url: undefined } }),
    seen: '400 malformed',
  },
  {
    name: 'a request of the wrong or no content type is refused with 415',
    act: async (world) => [
      await ask(world, { contentType: 'application/json' }),
      await ask(world, { contentType: undefined }),
    ],
    seen: ['415 malformed', '415 malformed'],
  },
  {
    name: 'a Replay-Nonce header in a request is refused',
    act: (world) => ask(world, { headers: { 'Replay-Nonce': 'abcd' } }),
    seen: '400 malformed',
  },
  {
    name: 'a request without a User-Agent is refused',
    act: async ({ client }) =>
      outcome(
        await client.send('GET', client.directoryUrl, { headers: { 'User-Agent': undefined } }),
      ),
    seen: '400 malformed',
    differs: {
      'Pebble 2.4': { seen: '200', reason: 'it is wanted since 2.10, and by RFC 8555 section 6.1' },
    },
  },
  {
    name: 'a method that a resource does not take is refused with 405 and the ones that it takes',
    act: async ({ client }) => {
      const reply = await client.send('GET', await client.url('newOrder'))
      return [outcome(reply), reply.headers.allow]
    },
    seen: ['405 malformed', 'POST'],
  },
  {
    name: 'a body that is no JWS, or one with unprotected headers or several signatures, is refused',
    act: async (world) => [
      await ask(world, { jws: () => 'text' }),
      await ask(world, { jws: (jws) => ({ ...jws, header: { alg: 'ES256' } }) }),
      await ask(world, {
        jws: ({ signature, ...jws }) => ({ ...jws, signatures: [{ signature }] }),
      }),
    ],
    seen: ['400 malformed', '400 malformed', '400 malformed'],
  },
  {
    name: 'a signature that does not fit is refused',
    act: (world) => ask(world, { jws: (jws) => ({ ...jws, payload: 'e30' }) }),
    seen: '400 malformed',
  },
  {
    name: 'a signature by another key than that of the account is refused',
    act: async ({ client, account, stranger }) =>
      outcome(
        await client.post(
          await client.url('newOrder'),
          {},
          { key: stranger.key, url: account.url },
        ),
      ),
    seen: '400 malformed',
  },
  {
    name: 'a MAC in place of a signature is refused, and the algorithms are named',
    act: async ({ client, account }) => {
      const url = await client.url('newOrder')
      const reply = await client.post(url, {}, account, { header: { alg: 'HS256' } })
      return [outcome(reply), Array.isArray(reply.json['algorithms'])]
    },
    seen: ['400 badSignatureAlgorithm', true],
    differs: {
      'Pebble 2.4': {
        seen: ['400 malformed', false],
        reason: 'RFC 8555 section 6.2: that type, and the algorithms',
      },
      'Pebble 2.10': {
        seen: ['400 badSignatureAlgorithm', false],
        reason: 'RFC 8555 section 6.2: that type, and the algorithms',
      },
    },
  },
  {
    name: 'a request with both a key and an account is refused',
    act: async (world) => [
      await ask(world, { header: { jwk: world.account.key.jwk } }),
      outcome(await world.client.newAccount(makeKey(), {}, { header: { kid: world.account.url } })),
    ],
    seen: ['400 malformed', '400 malformed'],
  },
  {
    name: 'a request in the name of an account that is not there is refused as such',
    act: (world) => ask(world, { header: { kid: `${world.account.url}0000` } }),
    seen: '400 accountDoesNotExist',
  },
  {
    name: 'a request in the name of an account of another CA is refused',
    act: (world) => ask(world, { header: { kid: 'https://ca.example/acct/1' } }),
    seen: '400 malformed',
  },
  {
    name: 'a key in the request where an account is wanted is refused',
    act: async ({ client, account }) =>
      outcome(await client.post(await client.url('newOrder'), {}, { key: account.key })),
    seen: '400 malformed',
  },
  {
    name: 'POST-as-GET with a payload is refused',
    act: async (world) => {
      const { url } = await world.order()
      return outcome(await world.client.post(url, {}, world.account))
    },
    seen: '400 malformed',
  },
  {
    name: 'what is not there is answered with 404',
    act: async ({ client, account }) => {
      const order = await client.newOrder(account, ['there.nt.example'])
      const wrong = String(order.headers.location).replace(/[^/]+$/, 'not-there')
      const [authorization = ''] = order.json['authorizations'] as string[]
      return [
        outcome(await client.get(wrong, account)),
        outcome(await client.get(authorization.replace(/[^/]+$/, 'not-there'), account)),
      ]
    },
    seen: ['404 malformed', '404 malformed'],
    differs: bothPebbles(['404', '404'], 'it says nothing but the status'),
  },
  {
    name: 'a problem is a problem document with a detail and its status',
    act: async ({ client, account }) => {
      const reply = await client.post(await client.url('newOrder'), {}, account)
      return [
        reply.headers['content-type']?.startsWith('application/problem+json'),
        typeof reply.json['detail'],
        reply.json['status'],
      ]
    },
    seen: [true, 'string', 400],
  },
  {
    name: 'accounts may have P-256, P-384, RSA and Ed25519 keys',
    act: async ({ client }) => {
      const results: Record<string, string> = {}
      for (const alg of ['ES256', 'ES384', 'RS256', 'EdDSA'] as const) {
        results[alg] = outcome(await client.newAccount(makeKey(alg)))
      }
      return results
    },
    seen: { ES256: '201', ES384: '201', RS256: '201', EdDSA: '201' },
    differs: {
      'Pebble 2.4': {
        seen: { ES256: '201', ES384: '201', RS256: '201', EdDSA: '400 badPublicKey' },
        reason: 'it has no Ed25519, which RFC 8555 section 6.2 recommends',
      },
      'Pebble 2.10': {
        seen: { ES256: '201', ES384: '201', RS256: '201', EdDSA: '400 badSignatureAlgorithm' },
        reason: 'it has no Ed25519, which RFC 8555 section 6.2 recommends',
      },
    },
  },
  {
    name: 'an account key that is too weak is refused',
    act: async ({ client }) => outcome(await client.newAccount(makeKey('RS256', 1024))),
    seen: '400 badPublicKey',
    differs: bothPebbles('201', 'it does not look; public CAs do'),
  },
  {
    name: 'a body of many KiB that is no request is refused, and the CA goes on',
    act: async (world) => {
      const { client, account } = world
      const body = JSON.stringify(signed({}, 'x'.repeat(60_000), account.key))
      const headers = { 'Content-Type': 'application/jose+json' }
      const reply = await client.send('POST', await client.url('newOrder'), { headers, body })
      return [reply.status, await ask(world)]
    },
    seen: [400, '400 malformed'],
  },
]
