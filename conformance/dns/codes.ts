// Numbers of the DNS, and what people call them (RFC 1035, 3596, 6891, 8482, 8659).

export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  DNSKEY: 48,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const

export const CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

export const OPCODE = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  /** Extended: the four low bits are in the header, the rest in OPT (RFC 6891 §6.1.3). */
  BADVERS: 16,
} as const

/** Of the two bytes after the id (RFC 1035 §4.1.1, RFC 4035 §3). */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
} as const

/** In the two bytes of flags in OPT (RFC 3225). */
export const EDNS_DO = 0x8000

/** `A`, or `TYPE65280` as RFC 3597 §5 writes what has no name; dig reads both. */
export function typeName(type: number): string {
  return nameOf(TYPE, type) ?? `TYPE${type}`
}

export function className(code: number): string {
  return nameOf(CLASS, code) ?? `CLASS${code}`
}

export function rcodeName(rcode: number): string {
  return nameOf(RCODE, rcode) ?? `RCODE${rcode}`
}

export function opcodeName(opcode: number): string {
  return nameOf(OPCODE, opcode) ?? `OPCODE${opcode}`
}

function nameOf(names: Readonly<Record<string, number>>, code: number): string | undefined {
  return Object.entries(names).find(([, value]) => value === code)?.[0]
}
