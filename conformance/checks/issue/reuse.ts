// Asking again, and asking at the same time: a certificate is given again to its own peer, and orders are shared.
import type { Case } from '../../suite/case.ts'
import { ERRORS } from '../../wire/index.ts'
import { notByHand } from '../by-hand.ts'
import { connectIdentified, fail, needAddress, newCaller } from '../exchange.ts'
import { namesIn, newKey, obtain, ORDER_CASE_MS, playDns, type Issued } from './order.ts'
import { publicIpv4 } from './played-proofs.ts'

const REQUESTS_AT_ONCE = 10

export const REUSE_CASES: readonly Case[] = [
  reuseCase(
    'NT-ISSUE-030/own-peer',
    'the same request gets the same certificate, from the cache',
    async (context) => {
      const caller = await newCaller(context)
      const wish = { addresses: [publicIpv4(context)], key: newKey() }
      const first = await obtain(context, caller, wish)
      const again = await obtain(context, caller, wish)
      if (again.response.fromCache !== true) {
        fail(
          'fromCache true for a request that was granted just before',
          String(again.response.fromCache),
        )
      }
      expectSame(first, again)
    },
  ),
  reuseCase(
    'NT-ISSUE-030/server-key',
    'so does a request without a CSR, with the same key',
    async (context) => {
      const caller = await newCaller(context)
      const addresses = [publicIpv4(context)]
      const first = await obtain(context, caller, { addresses })
      const again = await obtain(context, caller, { addresses })
      expectSame(first, again)
      if (first.response.key !== again.response.key) fail('the same key', 'another one')
    },
  ),
  reuseCase(
    'NT-ISSUE-030/other-peer',
    'another peer at the same address gets a certificate and a key of its own',
    async (context) => {
      const addresses = [publicIpv4(context)]
      const [one, other] = [await newCaller(context), await newCaller(context)]
      const first = await obtain(context, one, { addresses })
      const second = await obtain(context, other, { addresses })
      if (second.response.fromCache === true) fail('fromCache false for another peer', 'true')
      if (second.response.key === first.response.key)
        fail('another key for another peer', 'the same')
      if (!namesIn(second.leaf).includes(second.names[0])) {
        fail(`the id0 name "${second.names[0]}"`, namesIn(second.leaf).join(', '))
      }
    },
    { level: 'MUST' },
  ),
  reuseCase(
    'NT-ISSUE-030/other-key',
    'another key of the same peer gets a certificate for that key',
    async (context) => {
      const caller = await newCaller(context)
      const addresses = [publicIpv4(context)]
      const first = await obtain(context, caller, { addresses, key: newKey() })
      const second = await obtain(context, caller, { addresses, key: newKey() })
      if (second.response.fromCache === true || second.leaf.raw.equals(first.leaf.raw)) {
        fail('a new certificate for another key', 'that of the first key')
      }
    },
    { level: 'MUST' },
  ),
  reuseCase(
    'NT-ISSUE-031/one-order',
    `${REQUESTS_AT_ONCE} requests for the same at the same time get the same certificate`,
    async (context) => {
      const caller = await newCaller(context)
      const played = await playDns(context)
      const wish = { addresses: [publicIpv4(context)], key: newKey() }
      // libp2p takes few streams before it has got to know a connection.
      await connectIdentified(context, caller, needAddress(context.target, 'issue'))
      const before = played?.writes.length ?? 0
      const all = await Promise.all(
        Array.from({ length: REQUESTS_AT_ONCE }, () => obtain(context, caller, wish)),
      )
      for (const one of all.slice(1)) expectSame(all[0], one)
      // Several orders would have several values for each name.
      const sets = (played?.writes ?? []).slice(before).filter(({ kind }) => kind === 'set')
      for (const name of all[0]?.names ?? []) {
        const values = new Set(sets.filter(({ fqdn }) => fqdn === name).map(({ value }) => value))
        if (values.size > 1) fail(`one challenge value for "${name}"`, `${values.size}`)
      }
    },
  ),
]

function reuseCase(
  id: string,
  title: string,
  run: Case['run'],
  { level }: Pick<Case, 'level'> = {},
): Case {
  return {
    id,
    title,
    role: 'issue',
    ...(level === undefined ? {} : { level }),
    needs: ['played-proof-server', 'csr'],
    timeoutMs: ORDER_CASE_MS,
    byHand: () =>
      notByHand(id, {
        why: 'it takes several requests of one peer, whose key lives as long as one command',
        shows: 'the answers are among the messages',
      }),
    run,
  }
}

function expectSame(one: Issued | undefined, other: Issued): void {
  if (one === undefined || one.response.error !== ERRORS.OK) return
  if (!one.leaf.raw.equals(other.leaf.raw)) {
    fail(`the certificate with the serial number ${one.leaf.serialNumber}`, other.leaf.serialNumber)
  }
}
