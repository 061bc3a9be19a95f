// The orders of an account (RFC 8555 section 7.1.2.1): a page of URLs, and where the next is.
import { postAsGet } from './authentication.ts'
import { urlOf, type Answer, type Call } from './call.ts'
import { orderStatus } from './order-status.ts'
import { Problem } from './problems.ts'

export async function orderList(call: Call): Promise<Answer> {
  const { account } = await postAsGet(call)
  const { state, settings } = call.ca
  if (account.id !== call.id) throw new Problem('unauthorized', 'that is another account')
  const cursor = Number(call.query.get('cursor') ?? 0)
  if (!Number.isInteger(cursor) || cursor < 0) throw new Problem('malformed', 'no such cursor')
  const listed = account.orders.filter((id) => {
    const order = state.orders.get(id)
    return order !== undefined && orderStatus(call.ca, order).status !== 'invalid'
  })
  const end = cursor + settings.ordersPerPage
  const next = `${urlOf(call, 'orders', account.id)}?cursor=${end}`
  return {
    body: { orders: listed.slice(cursor, end).map((id) => urlOf(call, 'order', id)) },
    links: end < listed.length ? [{ url: next, relation: 'next' }] : [],
  }
}
