// What a zone of this protocol holds, told without the server that is judged by it.
import { base58btc } from 'multiformats/bases/base58'
import { TYPE } from '../../dns/codes.ts'
import { joinBytes, uint16, writeName } from '../../dns/write.ts'
import { addressBytes } from '../../wire/addresses.ts'
import { parseAddressLabel, parseId0Label } from '../../wire/names.ts'
import type { DnsZone } from '../schema-dns.ts'

export interface ZoneRecord {
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
}

const TTL_SECONDS = { names: 36_000, apex: 3_600, challenge: 10, soa: 60 } as const
const CHALLENGE = '_acme-challenge'
/** Refresh, retry, expire, minimum. */
const SOA_TIMES = [14_400, 3_600, 1_209_600, 10] as const

/** The records at a name in the zone, lower case; no records where it only exists; undefined where it does not. */
export function recordsAt(name: string, zone: DnsZone): readonly ZoneRecord[] | undefined {
  if (name === zone.name) return apexRecords(zone)
  if (!name.endsWith(`.${zone.name}`)) return undefined
  const own = ownRecords(name, zone)
  if (own.length > 0) return own
  // A name exists while something is below it (RFC 8020), and so does the challenge of one that exists.
  const below = [
    ...zone.challenges.map((challenge) => `${CHALLENGE}.${challenge.name}`),
    ...zone.nameServers.map((server) => server.name),
  ]
  if (below.some((other) => other.endsWith(`.${name}`))) return []
  const bare = name.startsWith(`${CHALLENGE}.`) ? name.slice(CHALLENGE.length + 1) : undefined
  return bare !== undefined && recordsAt(bare, zone) !== undefined ? [] : undefined
}

/** For the authority section of a negative answer: the TTL is its MINIMUM. */
export function soaRecord(zone: DnsZone): ZoneRecord {
  const [server] = zone.nameServers
  const numbers = [1, ...SOA_TIMES].flatMap((value) => [...uint32(value)])
  return {
    type: TYPE.SOA,
    ttlSeconds: SOA_TIMES[3],
    rdata: joinBytes(writeName(server?.name ?? ''), writeName(`hostmaster.${zone.name}`), numbers),
  }
}

/** A file of the names asked for, as every server reads it (RFC 1035 §5, RFC 3597 §5). */
export function zoneFile(names: Iterable<string>, zone: DnsZone): string {
  const all = new Set([
    zone.name,
    ...zone.nameServers.map(({ name }) => name),
    ...zone.challenges.map(({ name }) => `${CHALLENGE}.${name}`),
    ...names,
  ])
  const lines = [...all].flatMap((name) =>
    (recordsAt(name, zone) ?? []).map(({ type, ttlSeconds, rdata }) => {
      const data = Buffer.from(rdata).toString('hex')
      return `${name}. ${ttlSeconds} IN TYPE${type} \\# ${rdata.length} ${data}`
    }),
  )
  return `${lines.join('\n')}\n`
}

function apexRecords(zone: DnsZone): readonly ZoneRecord[] {
  return [
    { ...soaRecord(zone), ttlSeconds: TTL_SECONDS.soa },
    ...zone.nameServers.map(({ name }) => ({
      type: TYPE.NS,
      ttlSeconds: TTL_SECONDS.apex,
      rdata: writeName(name),
    })),
    ...zone.caa.map(({ flags, tag, value }) => ({
      type: TYPE.CAA,
      ttlSeconds: TTL_SECONDS.apex,
      rdata: joinBytes([flags, tag.length], Buffer.from(tag), Buffer.from(value)),
    })),
  ]
}

function ownRecords(name: string, zone: DnsZone): readonly ZoneRecord[] {
  const server = zone.nameServers.find((one) => one.name === name)
  if (server !== undefined) {
    return server.addresses.map((address) => addressRecord(address, TTL_SECONDS.apex))
  }
  const challenge = zone.challenges.find((one) => `${CHALLENGE}.${one.name}` === name)
  if (challenge !== undefined) {
    return challenge.values.map((value) => textRecord(value, TTL_SECONDS.challenge))
  }
  const label = name.slice(0, -zone.name.length - 1)
  if (label.includes('.')) return []
  const address = parseAddressLabel(label)
  if (address !== undefined) return [bytesRecord(address, TTL_SECONDS.names)]
  const id = parseId0Label(label)
  // base58btc puts its prefix z before it.
  return id === undefined
    ? []
    : [textRecord(`id=${base58btc.encode(id).slice(1)}`, TTL_SECONDS.names)]
}

function addressRecord(address: string, ttlSeconds: number): ZoneRecord {
  return bytesRecord(addressBytes(address) ?? new Uint8Array(0), ttlSeconds)
}

function bytesRecord(rdata: Uint8Array, ttlSeconds: number): ZoneRecord {
  return { type: rdata.length === 4 ? TYPE.A : TYPE.AAAA, ttlSeconds, rdata }
}

function textRecord(text: string, ttlSeconds: number): ZoneRecord {
  return { type: TYPE.TXT, ttlSeconds, rdata: joinBytes([text.length], Buffer.from(text)) }
}

function uint32(value: number): Uint8Array {
  return joinBytes(uint16(value >>> 16), uint16(value & 0xffff))
}
