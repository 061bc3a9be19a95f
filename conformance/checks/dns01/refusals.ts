// What nobody may ask for: every name and value that is refused, and that nothing is stored by a refusal.
import { randomBytes } from 'node:crypto'
import { TYPE } from '../../dns/codes.ts'
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import { DNS01Request, ERRORS, errorText, frame } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { ask as askDns } from '../dns/probe.ts'
import { ID0_SAMPLES, IP4_SAMPLES, IP6_SAMPLES } from '../dns/samples.ts'
import { expectCode, fail } from '../exchange.ts'
import { lookLine, ONE, setAndLook } from './by-hand.ts'
import { expectValues, lookUp, write } from './set.ts'
import { freshName, randomValue, setValue, takeWriter } from './writer.ts'

const LABEL_LENGTH_MAX = 63

type NameOf = (zone: string) => string

/** Names that are refused with 3; 9 is tolerated, as the name makes no sense either. */
const OUTSIDE: readonly (readonly [slug: string, what: string, nameOf: NameOf])[] = [
  ['other-zone', 'a name in another zone', () => 'nodetrust.invalid'],
  [
    'suffix-without-dot',
    'a name that only ends in the letters of the zone',
    (zone) => `evil${zone}`,
  ],
  ['parent', 'the parent of the zone', (zone) => zone.slice(zone.indexOf('.') + 1)],
  ['zone-in-front', 'a name that begins with the zone', (zone) => `${zone}.invalid`],
  ['empty', 'an empty name', () => ''],
  ['root', 'the root', () => '.'],
  ['two-final-dots', 'a name with two dots at its end', (zone) => `x.${zone}..`],
  ['empty-label', 'a name with an empty label', (zone) => `x..${zone}`],
  [
    'long-label',
    'a label of 64 characters',
    (zone) => `${'a'.repeat(LABEL_LENGTH_MAX + 1)}.${zone}`,
  ],
  ['long-name', 'a name of more than 253 characters', (zone) => `${'abcdefg.'.repeat(32)}${zone}`],
  ['nul', 'a name with a zero byte', (zone) => `a\0b.${zone}`],
  ['space', 'a name with a space', (zone) => `a b.${zone}`],
  ['underscore', 'a label that is no host name', (zone) => `_tcp.${zone}`],
  ['hyphen-at-end', 'a label that ends in a hyphen', (zone) => `a-.${zone}`],
  ['not-ascii', 'a name with letters beyond ASCII', (zone) => `\u212Aelvin.${zone}`],
]

const NOT_BARE: readonly (readonly [slug: string, what: string, nameOf: NameOf])[] = [
  ['prefixed', 'a name that has `_acme-challenge.` already', (zone) => `_acme-challenge.a.${zone}`],
  [
    'prefixed-zone',
    'the zone with `_acme-challenge.` before it',
    (zone) => `_acme-challenge.${zone}`,
  ],
  ['prefixed-in-upper-case', 'the same in upper case', (zone) => `_ACME-CHALLENGE.a.${zone}`],
  ['wildcard', 'a wildcard', (zone) => `*.${zone}`],
]

const VALUES: readonly (readonly [slug: string, what: string, value: string])[] = [
  ['empty', 'an empty value', ''],
  ['42-characters', 'a value of 42 characters', 'v'.repeat(42)],
  ['44-characters', 'a value of 44 characters', 'v'.repeat(44)],
  ['padding', 'base64url with padding', `${'v'.repeat(42)}=`],
  ['base64', 'base64 that is not base64url', `${'v'.repeat(42)}+`],
  ['binary', 'bytes that are no text', `${'v'.repeat(42)}\u0001`],
  ['300-characters', 'a value longer than a string of TXT', 'v'.repeat(300)],
]

export const REFUSAL_CASES: readonly Case[] = [
  ...OUTSIDE.map(([slug, what, nameOf]) =>
    nameCase({
      id: `NT-DNS01-004/${slug}`,
      title: `${what} is refused with error 3, and nothing is stored`,
      nameOf,
      error: ERRORS.NOT_AUTHORIZED,
      tolerated: ERRORS.OTHER,
    }),
  ),
  acceptedCase('NT-DNS01-004/zone', 'the zone itself may have values', (zone) => zone),
  acceptedCase(
    'NT-DNS01-004/deeper',
    'so may names deeper in the zone',
    (zone) => `b.${fresh()}.${zone}`,
  ),
  acceptedCase('NT-DNS01-005/upper-case', 'upper case is folded', (zone) =>
    `UP-${fresh()}.${zone}`.toUpperCase(),
  ),
  acceptedCase(
    'NT-DNS01-005/final-dot',
    'one dot at the end is removed',
    (zone) => `dot-${fresh()}.${zone}.`,
  ),
  ...NOT_BARE.map(([slug, what, nameOf]) =>
    nameCase({
      id: `NT-DNS01-006/${slug}`,
      title: `${what} is refused with error 9, and nothing is stored`,
      nameOf,
      error: ERRORS.OTHER,
    }),
  ),
  ...VALUES.map(([slug, what, value]): Case => {
    const id = `NT-DNS01-010/${slug}`
    return {
      id,
      title: `${what} is refused with error 9, and nothing is stored`,
      role: 'dns01',
      needs: ['dns-writer'],
      byHand: (target) =>
        send(target, {
          protocol: 'dns01',
          asWriter: true,
          bytes: frame(DNS01Request.encode({ fqdn: target.zone, value })),
          shows: '02 08 09',
        }),
      async run(context) {
        const caller = await takeWriter(context)
        const fqdn = freshName(context.target)
        expectCode(
          await write(context, caller, { fqdn, value }),
          ERRORS.OTHER,
          `the refusal of ${what}`,
        )
        await expectValues(context, fqdn, [])
      },
    }
  }),
  {
    id: 'NT-DNS01-014/nothing-but-challenges',
    title: 'a value at an address name or id0 name changes none of its own records',
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: (target) => {
      const fqdn = `${IP4_SAMPLES.at(-1)?.label}.${target.zone}`
      return [
        setAndLook(target, { fqdn, values: [ONE], shows: `"${ONE}"` }),
        lookLine(target, { name: fqdn, type: TYPE.A, shows: 'the A record as before' }),
      ].join('\n')
    },
    run: nothingButChallenges,
  },
]

function nameCase({
  id,
  title,
  nameOf,
  error,
  tolerated,
}: {
  readonly id: string
  readonly title: string
  readonly nameOf: NameOf
  readonly error: number
  readonly tolerated?: number
}): Case {
  return {
    id,
    title,
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: (target) =>
      send(target, {
        protocol: 'dns01',
        asWriter: true,
        bytes: frame(DNS01Request.encode({ fqdn: nameOf(target.zone), value: 'v'.repeat(43) })),
        shows: `02 08 0${error}`,
      }),
    async run(context): Promise<Finding | void> {
      const caller = await takeWriter(context)
      const fqdn = nameOf(context.target.zone)
      const value = randomValue()
      const code = await write(context, caller, { fqdn, value })
      const shown = JSON.stringify(fqdn.slice(0, 80))
      const accepted = tolerated === undefined ? [error] : [error, tolerated]
      expectCode(code, accepted, `the refusal of ${shown}`)
      await expectNowhere(context, fqdn, value)
      if (code === error) return undefined
      return {
        verdict: 'nonstrict',
        reason: `${shown} gets ${errorText(code)}, not ${errorText(error)}`,
      }
    },
  }
}

/** Not where the name would have put it, as far as DNS can ask for that. */
async function expectNowhere(context: CheckContext, fqdn: string, value: string): Promise<void> {
  const { zone } = context.target
  const bare = fqdn.replace(/\.$/, '')
  if (!/^[\w.*-]+$/.test(bare) || bare.includes('..') || !bare.endsWith(zone)) return
  if (bare.length > 200 || bare.split('.').some((label) => label.length > LABEL_LENGTH_MAX)) return
  for (const name of [bare, `_acme-challenge.${bare}`]) {
    const found = (await lookUp(context, name)).find(({ values }) => values.includes(value))
    if (found !== undefined) fail(`nothing stored at ${name}`, `the value (${found.where})`)
  }
}

function acceptedCase(id: string, title: string, nameOf: NameOf): Case {
  return {
    id,
    title,
    role: 'dns01',
    needs: ['dns-writer'],
    byHand: (target) =>
      setAndLook(target, { fqdn: nameOf(target.zone), values: [ONE], shows: `"${ONE}"` }),
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = nameOf(context.target.zone)
      const value = randomValue()
      await setValue(context, caller, { fqdn, value })
      const name = `_acme-challenge.${fqdn.toLowerCase().replace(/\.$/, '')}`
      for (const { where, values } of await lookUp(context, name)) {
        // The zone itself is everybody's: others may have set theirs.
        if (!values.includes(value)) {
          fail(`the value ${value} at ${name}`, `${values.join(', ') || 'none'} (${where})`)
        }
      }
    },
  }
}

async function nothingButChallenges(context: CheckContext): Promise<void> {
  const caller = await takeWriter(context)
  const records = [
    // Not those of which other checks say that they have no challenge.
    { ...IP4_SAMPLES.at(-1), type: TYPE.A },
    { ...IP6_SAMPLES.at(-1), type: TYPE.AAAA },
    { ...ID0_SAMPLES.secp256k1, type: TYPE.TXT },
  ]
  for (const { label, text, type } of records) {
    const fqdn = `${label}.${context.target.zone}`
    await setValue(context, caller, { fqdn, value: randomValue() })
    for (const server of context.target.dns) {
      const message = await askDns({ name: fqdn, type }, server, context)
      const texts = message.answers.map((record) => record.text)
      if (texts.join() !== text) {
        fail(`the record "${text}" of ${fqdn}, as before`, texts.join(', ') || 'no record')
      }
    }
  }
}

function fresh(): string {
  return randomBytes(6).toString('hex')
}
