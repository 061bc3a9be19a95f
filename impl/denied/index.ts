// Whom the servers do not serve: addresses, networks and peer ids, from a file that an operator edits.
import type { Connection } from '@libp2p/interface'
import { parseAddress } from '../wire/addresses.ts'
import { RefusalError } from '../wire/errors.ts'
import type { DenyList } from './deny-list.ts'

export { DenyFile, readDenyFile, type DenyFileReport } from './deny-file.ts'
export { DenyList, parseDenyList, type DenyListProblem, type DenyListVerdict } from './deny-list.ts'

/**
 * Refuses a caller by its peer id, or by the address that its connection comes from. Of a relayed connection that is the relay's.
 * @throws {RefusalError} NOT_AUTHORIZED
 */
export function refuseDenied(
  list: DenyList | undefined,
  { remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>,
): void {
  const [ip] = remoteAddr.getComponents()
  const address = parseAddress(ip?.value ?? '')?.address
  if (list?.hasPeer(remotePeer.toString()) === true) {
    throw new RefusalError('NOT_AUTHORIZED', 'the peer is on the deny list')
  }
  if (address !== undefined) refuseDeniedAddress(list, address)
}

/** @throws {RefusalError} NOT_AUTHORIZED */
export function refuseDeniedAddress(list: DenyList | undefined, address: string): void {
  if (list?.hasAddress(address) === true) {
    throw new RefusalError('NOT_AUTHORIZED', `the address ${address} is on the deny list`)
  }
}
