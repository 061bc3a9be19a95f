import { base58btc } from 'multiformats/bases/base58'
import { parseAddressLabel, parseId0Label } from '../wire/names.ts'
import { ip4Bytes, ip6Bytes, rdata, textRdata, TYPE, type ResourceRecord } from './records.ts'

/** What exists at a name; without records it is an empty non-terminal, or a challenge name without a value. */
export interface Node {
  readonly records: readonly ResourceRecord[]
  /** Addresses of the name servers, sent beside NS records. */
  readonly glue: readonly ResourceRecord[]
}

const NONE: readonly ResourceRecord[] = []

/** Exists, has nothing. */
export const EMPTY_NODE: Node = { records: NONE, glue: NONE }

/** What the first label of a name says by itself. */
export function dynamicNode(label: string, ttlSeconds: number): Node | undefined {
  const address = parseAddressLabel(label)
  if (address !== undefined) {
    const bytes = address.family === 4 ? ip4Bytes(address.address) : ip6Bytes(address.address)
    const type = address.family === 4 ? TYPE.A : TYPE.AAAA
    return { records: [{ owner: undefined, type, ttlSeconds, rdata: rdata(bytes) }], glue: NONE }
  }
  const id = parseId0Label(label)
  if (id === undefined) return undefined
  // NT-DNS-020: the text form of a multihash is base58 without a multibase prefix.
  const text = `id=${base58btc.encode(id).slice(1)}`
  const record = { owner: undefined, type: TYPE.TXT, ttlSeconds, rdata: textRdata(text) }
  return { records: [record], glue: NONE }
}
