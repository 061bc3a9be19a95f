import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Store } from './store.ts'

/** The account's key, made and on disk before the CA hears of it. */
export function accountKey(store: Pick<Store, 'account' | 'saveAccountKey'>): KeyObject {
  const stored = store.account()
  if (stored !== undefined) return createPrivateKey(stored.key)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  store.saveAccountKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), Date.now())
  return privateKey
}
