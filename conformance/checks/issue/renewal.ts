// When to renew (PROTOCOL.md, section 6): whoever serves this extension tells it, of the caller's own certificates.
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import type { Caller } from '../../players/caller.ts'
import { ERRORS, frame, PROTOCOLS, RenewalRequest, RenewalResponse } from '../../wire/index.ts'
import { notByHand, send } from '../by-hand.ts'
import {
  ask,
  connectIdentified,
  decoded,
  expectCode,
  fail,
  needAddress,
  newCaller,
} from '../exchange.ts'
import { newKey, obtain, ORDER_CASE_MS, type Issued } from './order.ts'
import { publicIpv4 } from './played-proofs.ts'

/** CAs draw at least 64 bits (CA/Browser Forum, baseline requirements): it is nobody's. */
const NO_SERIAL = '00000000000000000000000000000001'

export const RENEWAL_CASES: readonly Case[] = [
  renewalCase({
    id: 'NT-ISSUE-045/unknown-serial',
    title:
      'a serial number of no certificate is answered with error 0, and neither renewAt nor askAfter',
    byHand: (target) =>
      send(target, {
        protocol: 'renewal',
        bytes: frame(RenewalRequest.encode({ serial: NO_SERIAL })),
        shows: '02 08 00, and no more',
      }),
    async check(context, caller) {
      await expectNothing(context, caller, NO_SERIAL, 'a serial number of no certificate')
    },
  }),
  orderedCase({
    id: 'NT-ISSUE-045/own-certificate',
    title: "the time of the caller's own certificate, where it is known, is before its end",
    async check(context, caller, { leaf }) {
      const { renewAt } = await renewal(context, caller, serialOf(leaf))
      const [from, to] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
      // A CA that wants to revoke may want it at any time, and a server that asks it may not have done so yet.
      if (renewAt !== undefined && (renewAt < from || renewAt >= to)) {
        fail(`a time from ${from} to ${to}, or none`, String(renewAt))
      }
    },
  }),
  orderedCase({
    id: 'NT-ISSUE-045/other-peer',
    title: 'nobody is told when the certificate of another peer is to be renewed',
    async check(context, _owner, { leaf }) {
      const other = await newCaller(context)
      await expectNothing(context, other, serialOf(leaf), 'a certificate of another peer')
    },
  }),
]

function renewalCase({
  check,
  ...rest
}: Pick<Case, 'id' | 'title' | 'byHand' | 'needs' | 'timeoutMs'> & {
  readonly check: (context: CheckContext, caller: Caller) => Promise<void>
}): Case {
  return {
    ...rest,
    role: 'issue',
    // It may be left out; a server that has it may not do so wrongly.
    level: 'MUST',
    async run(context): Promise<Finding | void> {
      const caller = await newCaller(context)
      const address = needAddress(context.target, 'issue')
      const { protocols } = await connectIdentified(context, caller, address)
      if (!protocols.includes(PROTOCOLS.renewal)) {
        return { verdict: 'unsupported', reason: `the server does not serve ${PROTOCOLS.renewal}` }
      }
      await check(context, caller)
    },
  }
}

/** With a certificate of the caller's, which was issued just now. */
function orderedCase({
  id,
  title,
  check,
}: Pick<Case, 'id' | 'title'> & {
  readonly check: (context: CheckContext, owner: Caller, issued: Issued) => Promise<void>
}): Case {
  return renewalCase({
    id,
    title,
    needs: ['played-proof-server', 'csr'],
    timeoutMs: ORDER_CASE_MS,
    byHand: () =>
      notByHand(id, {
        why: 'it takes an order and a question about it of one peer, whose key lives as long as one command',
        shows: 'the question is the last message that is sent',
      }),
    async check(context, caller) {
      const wish = { addresses: [publicIpv4(context)], key: newKey() }
      await check(context, caller, await obtain(context, caller, wish))
    },
  })
}

async function renewal(
  context: CheckContext,
  caller: Caller,
  serial: string,
): Promise<RenewalResponse> {
  const bytes = await ask(context, {
    caller,
    protocol: 'renewal',
    request: RenewalRequest.encode({ serial }),
    what: 'a RenewalResponse',
  })
  const response = decoded(() => RenewalResponse.decode(bytes), bytes, 'a RenewalResponse')
  expectCode(response.error, ERRORS.OK, `the answer about the serial number ${serial}`)
  return response
}

/** Neither when to renew nor when to ask again, which would say that there is such a certificate. */
async function expectNothing(
  context: CheckContext,
  caller: Caller,
  serial: string,
  what: string,
): Promise<void> {
  const { renewAt, askAfter } = await renewal(context, caller, serial)
  if (renewAt !== undefined) fail(`no renewAt for ${what}`, String(renewAt))
  if (askAfter !== undefined) fail(`no askAfter for ${what}`, String(askAfter))
}

function serialOf({ serialNumber }: Issued['leaf']): string {
  return serialNumber.toLowerCase()
}
