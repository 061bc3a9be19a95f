import { ask, HEADER_BYTES, RCODE_MASK, skipName, type DnsEndpoint } from './dns-query.ts'

const TYPE_TXT = 16
const RCODE_NXDOMAIN = 3

/**
 * The TXT values that one DNS server has for a name, each record's strings joined. An answer without such
 * records, and NXDOMAIN, is an empty list.
 * @throws {Error} when the server refuses, fails, stays silent, or answers what is no DNS message.
 */
export async function queryTxt(
  name: string,
  server: DnsEndpoint,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly string[]> {
  return decodeTxt(await ask({ name, type: TYPE_TXT }, server, { signal }))
}

/** The TXT values in an answer. @throws {Error} for an error code, {RangeError} for a message that is cut. */
export function decodeTxt(message: Buffer): readonly string[] {
  const rcode = message.readUInt16BE(2) & RCODE_MASK
  if (rcode === RCODE_NXDOMAIN) return []
  if (rcode !== 0) throw new Error(`dns server answered with the error code ${rcode}`)
  let position = skipName(message, HEADER_BYTES) + 4
  const values: string[] = []
  for (let records = message.readUInt16BE(6); records > 0; records -= 1) {
    position = skipName(message, position)
    const type = message.readUInt16BE(position)
    const end = position + 10 + message.readUInt16BE(position + 8)
    if (end > message.length) throw new RangeError('dns answer is cut')
    if (type === TYPE_TXT) values.push(joinStrings(message.subarray(position + 10, end)))
    position = end
  }
  return values
}

function joinStrings(rdata: Buffer): string {
  let value = ''
  for (let position = 0; position < rdata.length;) {
    const length = rdata.readUInt8(position)
    value += rdata.toString('latin1', position + 1, position + 1 + length)
    position += 1 + length
  }
  return value
}
