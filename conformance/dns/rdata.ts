import { TYPE } from './codes.ts'
import type { Reader } from './read.ts'

/**
 * The data of a record as a zone file would have it, from a reader that ends where the record ends.
 * @throws {SyntaxError} when the data does not fit its type.
 */
export function readRdata(type: number, reader: Reader): string {
  const end = reader.bytes.length
  const text = readText(type, reader)
  if (reader.position !== end) {
    throw new SyntaxError(`data of type ${type} has ${end - reader.position} bytes too many`)
  }
  return text
}

function readText(type: number, reader: Reader): string {
  switch (type) {
    case TYPE.A:
      return [...reader.take(4)].join('.')
    case TYPE.AAAA:
      return ip6Text(reader.take(16))
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
      return reader.name()
    case TYPE.TXT:
    case TYPE.HINFO:
      return characterStrings(reader)
    case TYPE.SOA: {
      const names = [reader.name(), reader.name()]
      const numbers = Array.from({ length: 5 }, () => reader.uint32())
      return [...names, ...numbers].join(' ')
    }
    case TYPE.CAA: {
      const flags = reader.uint8()
      const tag = Buffer.from(reader.take(reader.uint8())).toString('latin1')
      const value = Buffer.from(reader.take(reader.bytes.length - reader.position))
      return `${flags} ${tag} "${value.toString('latin1')}"`
    }
    default: {
      const data = reader.take(reader.bytes.length - reader.position)
      return `\\# ${data.length} ${Buffer.from(data).toString('hex')}`.trim()
    }
  }
}

/** Strings of at most 255 bytes each (RFC 1035 §3.3.14), in quotes. */
function characterStrings(reader: Reader): string {
  const strings: string[] = []
  while (reader.position < reader.bytes.length) {
    const bytes = reader.take(reader.uint8())
    strings.push(`"${Buffer.from(bytes).toString('latin1').replaceAll(/["\\]/g, '\\$&')}"`)
  }
  if (strings.length === 0) throw new SyntaxError('data of strings is empty')
  return strings.join(' ')
}

/** All eight groups: what is compared needs one form only. */
function ip6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[2 * index] ?? 0) * 0x100 + (bytes[2 * index + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

/** What SOA says (RFC 1035 §3.3.13), from a record's text. */
export interface Soa {
  readonly primary: string
  readonly mailbox: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export function parseSoa(text: string): Soa {
  const [primary = '', mailbox = '', ...rest] = text.split(' ')
  const [serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0] = rest.map(Number)
  return { primary, mailbox, serial, refresh, retry, expire, minimum }
}
