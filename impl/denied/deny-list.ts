import { peerIdFromString } from '@libp2p/peer-id'
import ipaddr from 'ipaddr.js'
import { parseAddress, type IpAddress } from '../wire/addresses.ts'

/** A line of a deny list that cannot be read. */
export interface DenyListProblem {
  /** From 1. */
  readonly line: number
  /** What was found, and what was wanted. */
  readonly message: string
}

/** A deny list, or everything that is wrong with it. */
export type DenyListVerdict =
  | { readonly list: DenyList; readonly problems?: undefined }
  | { readonly problems: readonly DenyListProblem[]; readonly list?: undefined }

/** Longest text of a line that a message shows. */
const SHOWN_LENGTH_MAX = 64

/**
 * Reads a deny list: on each line a peer id, an IP address, or a network as `203.0.113.0/24`. What follows a `#` is a
 * comment; empty lines count for nothing.
 */
export function parseDenyList(text: string): DenyListVerdict {
  const peers = new Set<string>()
  const networks = new Networks()
  const problems: DenyListProblem[] = []
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    // Some editors put one there, and nobody sees it.
    const entry = written
      .replace(/^\uFEFF/, '')
      .replace(/#.*/, '')
      .trim()
    if (entry === '') continue
    const read = readNetwork(entry) ?? readPeer(entry)
    if (read === undefined) {
      const message = `${shown(entry)} is no peer id, IP address or network`
      problems.push({ line: index + 1, message })
    } else if ('problem' in read) problems.push({ line: index + 1, message: read.problem })
    else if ('peer' in read) peers.add(read.peer)
    else networks.add(read)
  }
  return problems.length > 0 ? { problems } : { list: new DenyList(peers, networks) }
}

/** Whom a server does not serve. */
export class DenyList {
  static readonly EMPTY = new DenyList(new Set(), undefined)
  readonly #peers: ReadonlySet<string>
  readonly #networks: Networks | undefined

  constructor(peers: ReadonlySet<string>, networks: Networks | undefined) {
    this.#peers = peers
    this.#networks = networks
  }

  get size(): number {
    return this.#peers.size + (this.#networks?.size ?? 0)
  }

  /** @param peer - as `PeerId.toString()` writes it */
  hasPeer(peer: string): boolean {
    return this.#peers.has(peer)
  }

  /** @param address - in its canonical form, see `parseAddress` */
  hasAddress(address: string): boolean {
    return this.#networks?.has(address) ?? false
  }
}

/** The addresses whose first `bits` bits are `prefix`. */
interface Network {
  readonly family: 4 | 6
  readonly bits: number
  readonly prefix: bigint
}

interface Misspelt {
  readonly problem: string
}

/** Networks by how long their prefixes are: a look-up takes one step for each length, however long the list is. */
class Networks {
  readonly #prefixes = new Map<string, Pick<Network, 'family' | 'bits'> & { set: Set<bigint> }>()

  get size(): number {
    return this.#prefixes.values().reduce((sum, { set }) => sum + set.size, 0)
  }

  add({ family, bits, prefix }: Network): void {
    const key = `${family}/${bits}`
    const group = this.#prefixes.get(key) ?? { family, bits, set: new Set<bigint>() }
    this.#prefixes.set(key, group)
    group.set.add(prefix)
  }

  has(text: string): boolean {
    const address = parseAddress(text)
    if (address === undefined) return false
    const value = valueOf(address)
    return this.#prefixes
      .values()
      .some(
        ({ family, bits, set }) =>
          family === address.family && set.has(value >> BigInt(WIDTHS[family] - bits)),
      )
  }
}

const WIDTHS = { 4: 32, 6: 128 } as const

/** `undefined` for what was not meant as a network. */
function readNetwork(entry: string): Network | Misspelt | undefined {
  const [text = '', length, ...more] = entry.split('/')
  const address = parseAddress(text)
  if (address === undefined || more.length > 0) return undefined
  const { family } = address
  const width = WIDTHS[family]
  // ::ffff:203.0.113.0/120 is 203.0.113.0/24: an address of IPv4 is the same in both ways of writing.
  const mappedBits = family === 4 && text.includes(':') ? 96 : 0
  const bits = length === undefined ? width : readLength(length) - mappedBits
  if (!(bits >= 0 && bits <= width)) {
    return {
      problem: `${shown(entry)} has no prefix length from ${mappedBits} to ${width + mappedBits} after the "/"`,
    }
  }
  const value = valueOf(address)
  const rest = BigInt(width - bits)
  const prefix = value >> rest
  // A network written with an address in it is one that somebody may have meant to be smaller.
  if (prefix << rest !== value) {
    return {
      problem: `${shown(entry)} has bits beyond its first ${bits + mappedBits}, wanted the first address of the network`,
    }
  }
  return { family, bits, prefix }
}

function valueOf({ address }: IpAddress): bigint {
  const bytes = ipaddr.parse(address).toByteArray()
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function readLength(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN
}

/** A peer id in any text form. */
function readPeer(text: string): { readonly peer: string } | undefined {
  try {
    return { peer: peerIdFromString(text).toString() }
  } catch {
    return undefined
  }
}

function shown(text: string): string {
  const cut = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text
  return JSON.stringify(cut)
}
