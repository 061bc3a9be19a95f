// The few bytes of a DNS header (RFC 1035 §4.1.1) that a forwarder looks at.

export const HEADER_LENGTH = 12
const SERVFAIL = 2
/** SERVFAIL, NOTIMP, REFUSED: this server cannot tell, another may. NXDOMAIN is an answer. */
const REFUSALS: ReadonlySet<number> = new Set([SERVFAIL, 4, 5])

export function isQuery(packet: Uint8Array): boolean {
  return packet.length >= HEADER_LENGTH && ((packet[2] ?? 0) & 0x80) === 0
}

export function isResponse(packet: Uint8Array): boolean {
  return packet.length >= HEADER_LENGTH && ((packet[2] ?? 0) & 0x80) !== 0
}

export function isRefusal(response: Uint8Array): boolean {
  return REFUSALS.has((response[3] ?? 0) & 0x0f)
}

export function packetId(packet: Uint8Array): number {
  return ((packet[0] ?? 0) << 8) | (packet[1] ?? 0)
}

/** A copy of the packet under another transaction id. */
export function withId(packet: Uint8Array, id: number): Uint8Array {
  const copy = Uint8Array.from(packet)
  copy[0] = id >> 8
  copy[1] = id & 0xff
  return copy
}

/** The query sent back as a failure: its question stays, whatever followed it goes. */
export function serverFailure(query: Uint8Array): Uint8Array {
  const questionEnd = endOfQuestion(query)
  const response = Uint8Array.from(query.subarray(0, questionEnd))
  response[2] = 0x80 | ((response[2] ?? 0) & 0x79) // QR, and OPCODE and RD as asked
  response[3] = 0x80 | SERVFAIL // RA: we stand for a recursive resolver
  response.fill(0, 4, HEADER_LENGTH)
  if (questionEnd > HEADER_LENGTH) response[5] = 1
  return response
}

/** Behind the first question, or behind the header where there is no question that can be read. */
function endOfQuestion(packet: Uint8Array): number {
  let offset = HEADER_LENGTH
  for (;;) {
    const length = packet[offset]
    if (length === undefined || length > 63) return HEADER_LENGTH
    offset += 1 + length
    if (length === 0) break
  }
  return offset + 4 <= packet.length ? offset + 4 : HEADER_LENGTH
}
