import { parseZone } from '../wire/names.ts'
import { apexNodes, soaRecord } from './apex.ts'
import { dynamicNode, type Node } from './nodes.ts'
import { labelBytes, type ResourceRecord } from './records.ts'

/** One name server of the zone, as the parent zone delegates to it. */
export interface NameServer {
  /** Complete name. */
  readonly name: string
  /** Needed when the name lies in the zone: they are the glue, and must be those that the parent has. */
  readonly addresses?: readonly string[]
}

/** A CAA record of the zone's apex: which CA may certify its names (RFC 8659). */
export interface CertificationAuthority {
  readonly tag: string
  readonly value: string
  /** A CA that does not know the tag must not issue. @default false */
  readonly critical?: boolean
}

/** How long resolvers may keep what they got, in seconds. */
export interface ZoneTtls {
  /** Address and id0 names, whose data never changes. @default 36000 (NT-DNS-025) */
  readonly names?: number
  /** NS, their addresses, and CAA. @default 3600 */
  readonly apex?: number
  /**
   * Challenge values, at most 120. @default 0: the next order for the name has another value, and a resolver that
   * remembers this one fails it (NT-DNS-027)
   */
  readonly challenge?: number
  /** That something does not exist, at most 60: the SOA's MINIMUM. @default 10 (NT-DNS-028) */
  readonly negative?: number
}

/** What makes a zone. */
export interface ZoneInit {
  readonly zone: string
  readonly nameServers: readonly NameServer[]
  /** Mail address of who runs the zone. @default `hostmaster@<zone>` */
  readonly hostmaster?: string | undefined
  /** @default none: every CA may issue */
  readonly caa?: readonly CertificationAuthority[] | undefined
  readonly ttl?: ZoneTtls | undefined
  /** The SOA's serial, which all servers of the zone should share. @default 1: the zone's own data never changes */
  readonly serial?: number | undefined
}

/** A zone, ready to be asked. */
export interface Zone {
  /** Lower case, without a dot at its ends. */
  readonly name: string
  /** The name in wire form, root included. */
  readonly bytes: Uint8Array
  /** For the authority section of negative answers; its TTL is what RFC 2308 §3 makes of it. */
  readonly negativeSoa: ResourceRecord
  readonly anyTtlSeconds: number
  readonly challengeTtlSeconds: number
  /** What is at a name in the zone, given by the lower-case labels before the zone. Knows nothing of challenges. */
  find(labels: readonly string[]): Node | undefined
}

const TTL_DEFAULTS = { names: 36_000, apex: 3_600, challenge: 0, negative: 10 }
const CHALLENGE_TTL_SECONDS_MAX = 120
/** Also the SOA's own TTL, so that the negative TTL is the smaller of the two whatever is configured. */
const NEGATIVE_TTL_SECONDS_MAX = 60
const TTL_SECONDS_MAX = 2 ** 31 - 1

/**
 * Makes a zone from its configuration.
 * @throws {RangeError} saying what was wanted, when something in it can not be served.
 */
export function createZone(init: ZoneInit): Zone {
  const name = parseZone(init.zone)
  if (name === undefined) {
    throw new RangeError(`zone "${init.zone}" is no domain name of at most 173 characters`)
  }
  const ttl = checkedTtls({ ...TTL_DEFAULTS, ...init.ttl })
  const soa = soaRecord(init, name, {
    ttlSeconds: NEGATIVE_TTL_SECONDS_MAX,
    minimumSeconds: ttl.negative,
  })
  const nodes = apexNodes(init, name, { soa, ttlSeconds: ttl.apex })
  return {
    name,
    bytes: Buffer.concat([labelBytes(name.split('.')), Uint8Array.of(0)]),
    negativeSoa: { ...soa, owner: new Uint8Array(0), ttlSeconds: ttl.negative },
    anyTtlSeconds: ttl.apex,
    challengeTtlSeconds: ttl.challenge,
    find(labels) {
      // NT-DNS-018: address and id0 names stand directly below the zone and nowhere else.
      const [label = ''] = labels
      const node = labels.length === 1 ? dynamicNode(label, ttl.names) : undefined
      return node ?? nodes.get(labels.join('.'))
    },
  }
}

function checkedTtls<T extends Required<ZoneTtls>>(ttl: T): T {
  const most = {
    names: TTL_SECONDS_MAX,
    apex: TTL_SECONDS_MAX,
    challenge: CHALLENGE_TTL_SECONDS_MAX,
    negative: NEGATIVE_TTL_SECONDS_MAX,
  }
  for (const [key, max] of Object.entries(most)) {
    const value = ttl[key as keyof ZoneTtls]
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new RangeError(`ttl.${key} is ${value}, wanted whole seconds from 0 to ${max}`)
    }
  }
  return ttl
}
