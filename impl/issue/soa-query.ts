import { ask, HEADER_BYTES, RCODE_MASK, skipName, type DnsEndpoint } from './dns-query.ts'

/** What one DNS server says that the zone is: equal texts are servers in step. */
export interface Soa {
  /** The first name server, as the server spells it. */
  readonly primary: string
  readonly hostmaster: string
  readonly serial: number
}

const TYPE_SOA = 6
const FLAG_AUTHORITATIVE = 0x0400
/** Pointers followed in one name: each leads back, so a name has at most as many as labels (RFC 1035 §4.1.4). */
const LABELS_MAX = 127

/**
 * Asks one DNS server for the SOA record of a zone.
 * @throws {Error} when it is silent, refuses, or does not answer for the zone itself.
 */
export async function querySoa(
  zone: string,
  server: DnsEndpoint,
  options: { readonly signal: AbortSignal },
): Promise<Soa> {
  return decodeSoa(await ask({ name: zone, type: TYPE_SOA }, server, options))
}

/** The SOA record in an answer. @throws {Error} for one without it, {RangeError} for a message that is cut. */
export function decodeSoa(message: Buffer): Soa {
  const flags = message.readUInt16BE(2)
  const rcode = flags & RCODE_MASK
  if (rcode !== 0) throw new Error(`dns server answered with the error code ${rcode}`)
  if ((flags & FLAG_AUTHORITATIVE) === 0) throw new Error('dns server does not serve the zone')
  let position = skipName(message, HEADER_BYTES) + 4
  for (let records = message.readUInt16BE(6); records > 0; records -= 1) {
    position = skipName(message, position)
    const type = message.readUInt16BE(position)
    const start = position + 10
    position = start + message.readUInt16BE(position + 8)
    if (type !== TYPE_SOA) continue
    const mailbox = skipName(message, start)
    return {
      primary: readName(message, start),
      hostmaster: readName(message, mailbox),
      serial: message.readUInt32BE(skipName(message, mailbox)),
    }
  }
  throw new Error('dns server answered without the SOA record of the zone')
}

function readName(message: Buffer, start: number): string {
  const labels: string[] = []
  let position = start
  for (let steps = 0; steps < 2 * LABELS_MAX; steps += 1) {
    const length = message.readUInt8(position)
    if (length === 0) return `${labels.join('.')}.`
    if (length >= 0xc0) {
      position = message.readUInt16BE(position) & 0x3fff
      continue
    }
    labels.push(printable(message.toString('latin1', position + 1, position + 1 + length)))
    position += 1 + length
  }
  throw new RangeError('dns answer has an endless name')
}

/** It goes to a terminal. */
function printable(label: string): string {
  return label.replaceAll(/[^\x21-\x7e]/g, '?')
}
