import { addressBytes, addressText, unmapped, type AddressBytes } from './addresses.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const LABEL_LENGTH_MAX = 63

/** Digits of a big number, and one `a` for each zero byte at the start (NT-DNS-022). */
export function base36(bytes: Uint8Array): string {
  const zeros = bytes.findIndex((byte) => byte !== 0)
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`)
  let digits = ''
  for (; rest > 0n; rest /= 36n) digits = (ALPHABET[Number(rest % 36n)] ?? '') + digits
  return 'a'.repeat(zeros === -1 ? bytes.length : zeros) + digits
}

export function parseBase36(text: string): Uint8Array | undefined {
  let number = 0n
  for (const digit of text) {
    const value = ALPHABET.indexOf(digit)
    if (value === -1) return undefined
    number = number * 36n + BigInt(value)
  }
  const hex = number === 0n ? '' : number.toString(16)
  const zeros = text.length - text.replace(/^a+/, '').length
  return Uint8Array.from([
    ...new Uint8Array(zeros),
    ...Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'),
  ])
}

/** `p` and the multihash of a peer id in base36 (NT-DNS-020). */
export function id0Label(multihash: Uint8Array): string {
  return `p${base36(multihash)}`
}

export function id0Name(multihash: Uint8Array, zone: string): string {
  return `${id0Label(multihash)}.${zone}`
}

/** The multihash, or `undefined` where the label stands for none (NT-DNS-023). */
export function parseId0Label(label: string): Uint8Array | undefined {
  const lower = label.toLowerCase()
  if (!lower.startsWith('p') || lower.length > LABEL_LENGTH_MAX) return undefined
  const bytes = parseBase36(lower.slice(1))
  return bytes !== undefined && isPeerMultihash(bytes) ? bytes : undefined
}

/** sha2-256 of 32 bytes, or an identity of 1 to 42 bytes. */
export function isPeerMultihash([code, length = 0, ...digest]: Uint8Array): boolean {
  if (digest.length !== length) return false
  return code === 0x12 ? length === 32 : code === 0 && length >= 1 && length <= 42
}

/** `ip4…` or `ip6…`, never with a hyphen at its end (NT-DNS-010, NT-DNS-012, NT-DNS-013). */
export function addressLabel(address: string): string {
  const bytes = addressBytes(address)
  if (bytes === undefined) throw new RangeError(`"${address}" is not an IP address`)
  const plain = unmapped(bytes)
  const text = addressText(plain)
  if (plain.length === 4) return `ip4${text.replaceAll('.', '-')}`
  return `ip6${text.replaceAll(':', '-')}`.replace(/-$/, '-0')
}

export function addressName(address: string, zone: string): string {
  return `${addressLabel(address)}.${zone}`
}

/** The address that a label stands for: more is read than is written (NT-DNS-014). */
export function parseAddressLabel(label: string): AddressBytes | undefined {
  const match = /^ip([46])([0-9a-f-]+)$/.exec(label.toLowerCase())
  if (match === null) return undefined
  const [, family, text = ''] = match
  const bytes = addressBytes(text.replaceAll('-', family === '4' ? '.' : ':'))
  return bytes?.length === (family === '4' ? 4 : 16) ? bytes : undefined
}
