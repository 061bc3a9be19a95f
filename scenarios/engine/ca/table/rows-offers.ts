// What a CA offers where it is told to: accounts that are bound to others, and profiles.
import { createHmac, X509Certificate } from 'node:crypto'
import type { Profile } from '../built-in/options.ts'
import { makeKey, type Key } from './raw-client.ts'
import { outcome, type Row } from './row.ts'

const EXTERNAL_ACCOUNT = 'known'
const MAC_KEY = Buffer.alloc(32, 7)

/** Told to each CA that these rows are for. */
export const OFFERS = {
  externalAccounts: { [EXTERNAL_ACCOUNT]: MAC_KEY.toString('base64url') },
  profiles: {
    classic: { description: 'ninety days', validitySeconds: 7_776_000 },
    shortlived: { description: 'six days', validitySeconds: 576_000 },
  } satisfies Record<string, Profile>,
}

const NO_PROFILES = 'profiles came with 2.6'

export const offerRows: readonly Row[] = [
  {
    name: 'a binding to a known external account is taken, and one with another MAC, key or URL is refused',
    act: async ({ client }) => {
      const key = makeKey()
      const url = await client.url('newAccount')
      const made = async (binding: object): Promise<string> =>
        outcome(await client.newAccount(key, { externalAccountBinding: binding }))
      return [
        await made(bound(key, { url, mac: Buffer.alloc(32, 8) })),
        await made(bound(key, { url, kid: 'nobody' })),
        await made(bound(makeKey(), { url })),
        await made(bound(key, { url: `${url}/other` })),
        await made({ ...bound(key, { url }), signature: 'AAAA' }),
        await made(bound(key, { url })),
      ]
    },
    seen: [
      '403 unauthorized',
      '403 unauthorized',
      '400 badPublicKey',
      '400 malformed',
      '403 unauthorized',
      '201',
    ],
  },
  {
    name: 'the directory tells the profiles, and a certificate is of the one that was asked for',
    act: async (world) => {
      const { json } = await world.client.send('GET', world.client.directoryUrl)
      const { profiles } = json['meta'] as { readonly profiles?: unknown }
      const seen: unknown[] = [profiles]
      for (const profile of Object.keys(OFFERS.profiles)) {
        const { pem, valid } = await world.issued({ more: { profile } })
        seen.push([valid.json['profile'], lifetimeSeconds(pem)])
      }
      return seen
    },
    seen: [
      { classic: 'ninety days', shortlived: 'six days' },
      ['classic', 7_775_999],
      ['shortlived', 575_999],
    ],
    differs: {
      'Pebble 2.4': {
        seen: [undefined, [undefined, 157_766_399], [undefined, 157_766_399]],
        reason: NO_PROFILES,
      },
    },
  },
  {
    name: 'a profile that is not told is refused',
    act: async (world) => {
      const { client, account } = world
      return outcome(await client.newOrder(account, [world.name()], { profile: 'toString' }))
    },
    seen: '400 invalidProfile',
    differs: { 'Pebble 2.4': { seen: '201', reason: NO_PROFILES } },
  },
]

/** RFC 8555 section 7.3.4: the account's key, with a MAC by a key that was agreed on elsewhere. */
function bound(
  { jwk }: Key,
  { url, kid = EXTERNAL_ACCOUNT, mac = MAC_KEY }: { url: string; kid?: string; mac?: Buffer },
): object {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [header, payload] = [encode({ alg: 'HS256', kid, url }), encode(jwk)]
  const signature = createHmac('sha256', mac).update(`${header}.${payload}`).digest('base64url')
  return { protected: header, payload, signature }
}

function lifetimeSeconds(pem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(pem)
  return (validToDate.getTime() - validFromDate.getTime()) / 1_000
}
