// What an order is at a moment (RFC 8555 section 7.1.6).
import type { ProblemDocument } from './problems.ts'
import type { Ca, Order } from './state.ts'

export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid'

/** It follows from its authorizations until it is finalized. */
export function orderStatus(
  { state }: Pick<Ca, 'state'>,
  order: Order,
): { readonly status: OrderStatus; readonly error: ProblemDocument | undefined } {
  if (order.outcome !== undefined) return { status: order.outcome, error: order.error }
  const now = Date.now()
  const authorizations = order.authorizationIds.map((id) => state.authorizations.get(id))
  const failed = authorizations.find((authorization) => authorization?.status === 'invalid')
  if (failed !== undefined) return { status: 'invalid', error: failed.challenge.error }
  const over = authorizations.some(
    (authorization) =>
      authorization === undefined ||
      authorization.status === 'deactivated' ||
      authorization.expiresMs <= now,
  )
  if (over || order.expiresMs <= now) return { status: 'invalid', error: undefined }
  const ready = authorizations.every((authorization) => authorization?.status === 'valid')
  return { status: ready ? 'ready' : 'pending', error: undefined }
}
