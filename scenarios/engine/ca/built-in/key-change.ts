// Account key rollover (RFC 8555 section 7.3.5): the new key signs inside, the old one outside.
import { calculateJwkThumbprint, type JWK } from 'jose'
import { accountPost } from './authentication.ts'
import { urlOf, type Answer, type Call } from './call.ts'
import { embeddedKey, parseJws, parseObject, verifyJws } from './jws.ts'
import { Problem } from './problems.ts'

export async function keyChange(call: Call): Promise<Answer> {
  const { account, thumbprint, payload } = await accountPost(call)
  const { state, log } = call.ca
  const inner = parseJws(payload)
  const newKey = embeddedKey(inner)
  const asked = parseObject(await verifyJws(inner, newKey), 'inner payload')
  if (inner.header.url !== call.url) {
    throw new Problem('malformed', "JWS header parameter 'url' differs for inner and outer JWS.")
  }
  if (inner.header.nonce !== undefined) {
    throw new Problem('malformed', 'the inner JWS has a nonce, it must have none')
  }
  if (asked['account'] !== urlOf(call, 'account', account.id)) {
    throw new Problem('malformed', 'the inner JWS names another account than the outer')
  }
  if ((await thumbprintOf(asked['oldKey'])) !== thumbprint) {
    throw new Problem('malformed', 'the inner JWS names another old key than that of the account')
  }
  const newThumbprint = await calculateJwkThumbprint(newKey)
  if (newThumbprint === thumbprint) {
    throw new Problem('malformed', 'New and old key are identical')
  }
  const holder = state.accountsByKey.get(newThumbprint)
  if (holder !== undefined) {
    const headers = { Location: urlOf(call, 'account', holder.id) }
    throw new Problem('malformed', 'the new key is that of another account', {
      status: 409,
      headers,
    })
  }
  state.accountsByKey.delete(account.thumbprint)
  account.key = newKey
  account.thumbprint = newThumbprint
  state.accountsByKey.set(newThumbprint, account)
  log(`account ${account.id} has another key`)
  return { body: { status: account.status, orders: urlOf(call, 'orders', account.id) } }
}

async function thumbprintOf(key: unknown): Promise<string | undefined> {
  if (typeof key !== 'object' || key === null) return undefined
  return await calculateJwkThumbprint(key as JWK).catch(() => undefined)
}
