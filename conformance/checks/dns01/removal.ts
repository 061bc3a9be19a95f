// Values go one by one: removal, an extension, takes away one of them and nothing else.
import type { Caller } from '../../players/caller.ts'
import type { Case, CheckContext } from '../../suite/case.ts'
import { DNS01Request, ERRORS, frame, join } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import { expectCode } from '../exchange.ts'
import { nameByHand, ONE, OTHER, removeAndLook, setAndLook } from './by-hand.ts'
import { expectValues, write } from './set.ts'
import { freshName, randomValue, setValue, takeWriter } from './writer.ts'

export const REMOVAL_CASES: readonly Case[] = [
  {
    id: 'NT-DNS01-015/removes-one',
    title: 'removal removes this one value before its OK, and leaves the others of the name',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: (target) => {
      const fqdn = nameByHand(target)
      return [
        setAndLook(target, { fqdn, values: [ONE, OTHER], shows: 'both' }),
        removeAndLook(target, { fqdn, value: ONE, shows: `"${OTHER}" alone` }),
      ].join('\n')
    },
    async run(context) {
      const caller = await takeWriter(context)
      const fqdn = freshName(context.target)
      const [one, other] = [randomValue(), randomValue()]
      for (const value of [one, other]) await setValue(context, caller, { fqdn, value })
      await remove(context, caller, { fqdn, value: one, left: [other] })
      await remove(context, caller, { fqdn, value: other, left: [] })
    },
  },
  {
    id: 'NT-DNS01-015/absent-value',
    title: 'removal of a value that is not there is OK, and changes nothing',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: (target) => {
      const fqdn = nameByHand(target)
      return [
        setAndLook(target, { fqdn, values: [ONE], shows: `"${ONE}"` }),
        removeAndLook(target, { fqdn, value: OTHER, shows: `"${ONE}", as before` }),
      ].join('\n')
    },
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      await remove(context, caller, { fqdn, value: randomValue(), left: [value] })
      await remove(context, caller, { fqdn: freshName(context.target), value, left: [] })
    },
  },
  {
    id: 'NT-DNS01-015/mixed-case-and-dot',
    title: 'removal folds case and removes a final dot as setting does',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: (target) => {
      const fqdn = nameByHand(target)
      return [
        setAndLook(target, { fqdn, values: [ONE], shows: `"${ONE}"` }),
        removeAndLook(target, {
          fqdn: `${fqdn.toUpperCase()}.`,
          value: ONE,
          shows: `no "${ONE}" any more`,
        }),
      ].join('\n')
    },
    async run(context) {
      const caller = await takeWriter(context)
      const [fqdn, value] = [freshName(context.target), randomValue()]
      await setValue(context, caller, { fqdn, value })
      const protocol = 'dns01Remove'
      const code = await write(context, caller, { fqdn: `${fqdn.toUpperCase()}.`, value, protocol })
      expectCode(code, ERRORS.OK, 'the removal')
      await expectValues(context, fqdn, [])
    },
  },
  {
    id: 'NT-DNS01-015/same-checks',
    title: 'removal makes the checks of setting: another zone gets 3, a wildcard 9',
    role: 'dns01',
    needs: ['dns-writer', 'dns01-remove'],
    byHand: (target) =>
      send(target, {
        protocol: 'dns01Remove',
        asWriter: true,
        bytes: join(
          ...['nodetrust.invalid', `*.${target.zone}`].map((fqdn) =>
            frame(DNS01Request.encode({ fqdn, value: 'v'.repeat(43) })),
          ),
        ),
        shows: '02 08 03, then 02 08 09',
      }),
    async run(context) {
      const caller = await takeWriter(context)
      const protocol = 'dns01Remove'
      const value = randomValue()
      const outside = await write(context, caller, { fqdn: 'nodetrust.invalid', value, protocol })
      expectCode(outside, ERRORS.NOT_AUTHORIZED, 'the refusal of a name outside the zone')
      const fqdn = `*.${context.target.zone}`
      expectCode(
        await write(context, caller, { fqdn, value, protocol }),
        ERRORS.OTHER,
        'the refusal of a wildcard',
      )
    },
  },
]

async function remove(
  context: CheckContext,
  caller: Caller,
  { left, ...request }: DNS01Request & { readonly left: readonly string[] },
): Promise<void> {
  const code = await write(context, caller, { ...request, protocol: 'dns01Remove' })
  expectCode(code, ERRORS.OK, `the removal of a value of "${request.fqdn}"`)
  await expectValues(context, request.fqdn, left)
}
