import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Store } from './store.ts'

/** The account's key, made and on disk before the CA hears of it. */
export function accountKey(store: Pick<Store, 'account' | 'saveAccountKey'>): KeyObject {
  const stored = store.account()
  if (stored !== undefined) return createPrivateKey(stored.key)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  try {
    store.saveAccountKey(pem, Date.now())
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`cannot write the account's key to the store: ${reason}`, { cause })
  }
  return privateKey
}
