// What a DNS server does with a request to set a value, seen through DNS: on every server of the zone, by UDP and TCP.
import { TYPE } from '../../dns/codes.ts'
import type { CheckContext } from '../../suite/case.ts'
import { DNS01Request } from '../../wire/index.ts'
import { ask as askDns } from '../dns/probe.ts'
import { ask, errorOf, fail, type ProtocolName } from '../exchange.ts'
import type { Caller } from '../../players/caller.ts'

/** Sends one request; the number in its answer. */
export async function write(
  context: CheckContext,
  caller: Caller,
  {
    protocol = 'dns01',
    ...request
  }: DNS01Request & { readonly protocol?: Extract<ProtocolName, 'dns01' | 'dns01Remove'> },
): Promise<number> {
  const what = `an answer to a request for ${JSON.stringify(request.fqdn.slice(0, 80))}`
  const message = await ask(context, {
    caller,
    protocol,
    request: DNS01Request.encode(request),
    what,
  })
  return errorOf(message)
}

/** The TXT values at a name on each DNS server and transport, with where that is. */
export async function lookUp(
  context: CheckContext,
  name: string,
): Promise<readonly { readonly where: string; readonly values: readonly string[] }[]> {
  return Promise.all(
    context.target.dns.flatMap((server) =>
      (['udp', 'tcp'] as const).map(async (transport) => {
        const message = await askDns({ name, type: TYPE.TXT }, server, context, transport)
        const values = message.answers
          .filter(({ type }) => type === TYPE.TXT)
          .map(({ text }) => text.replaceAll('"', ''))
        return { where: `${server.address} port ${server.port} by ${transport}`, values }
      }),
    ),
  )
}

/** Fails unless every server shows just these values at `_acme-challenge.` before a name. */
export async function expectValues(
  context: CheckContext,
  fqdn: string,
  wanted: readonly string[],
): Promise<void> {
  const name = `_acme-challenge.${fqdn}`
  for (const { where, values } of await lookUp(context, name)) {
    if (values.toSorted().join() === wanted.toSorted().join()) continue
    fail(
      `${wanted.length === 0 ? 'no value' : `the values ${wanted.join(', ')}`} at ${name}`,
      `${values.join(', ') || 'none'} (${where})`,
    )
  }
}
