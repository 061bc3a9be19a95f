// The requests that certificates are asked for with, for checks and for people.
import type { Caller } from '../../players/caller.ts'
import type { CheckContext } from '../../suite/case.ts'
import { ADDRESS_TYPE, IssueRequest, Proof, signProof } from '../../wire/index.ts'
import { newKey, orderRequest, playDns, type OrderWish } from './order.ts'
import { playedKey, publicIpv4, publicIpv6 } from './played-proofs.ts'

export function serverKeyWish(context: CheckContext): OrderWish {
  return { addresses: [publicIpv4(context)] }
}

export async function serverKeyRequest(context: CheckContext, caller: Caller): Promise<Uint8Array> {
  return IssueRequest.encode(await orderRequest(context, caller, serverKeyWish(context)))
}

export function csrWish(context: CheckContext): OrderWish {
  return { addresses: [publicIpv4(context), publicIpv6(context)], key: newKey() }
}

export async function csrRequest(context: CheckContext, caller: Caller): Promise<Uint8Array> {
  return IssueRequest.encode(await orderRequest(context, caller, csrWish(context)))
}

/** A request with three proofs, and the addresses that they come to. */
export async function duplicatesRequest(
  context: CheckContext,
  caller: Caller,
): Promise<{ readonly message: IssueRequest; readonly addresses: readonly string[] }> {
  await playDns(context)
  const [ipv4, other] = [publicIpv4(context), publicIpv4(context)]
  const group = publicIpv6(context).split(':')[2] ?? '1'
  const statements = [
    [ipv4, `2001:4860:${group}::1`],
    [ipv4, other],
    // As text, since a proof that is made of addresses has them canonically.
    [`2001:4860:${group}::1`, `2001:4860:${group}:0:0:0:0:1`, `::ffff:${ipv4}`],
  ].map((addresses) =>
    addresses.map((address) => ({
      type: address.includes(':') ? ADDRESS_TYPE.IPv6 : ADDRESS_TYPE.IPv4,
      address,
    })),
  )
  const timestamp = Date.now()
  const proofs = await Promise.all(
    statements.map((addrs) =>
      signProof(Proof.encode({ id: caller.id, timestamp, addrs }), playedKey(context.target)),
    ),
  )
  return {
    message: { proofs, supportedCryptos: [1] },
    addresses: [ipv4, `2001:4860:${group}::1`, other],
  }
}

/** An IPv6 address of somebody who is never asked, with zeros at its end. */
export function endsInColon(context: CheckContext): string {
  return publicIpv6(context).replace(/::.*/, '::')
}
