import { counted } from '../suite/words.ts'

const BYTES_PER_LINE = 16
const PRINTABLE = { first: 0x20, last: 0x7e }

/** Bytes as `hexdump -C` shows them; `length` is how many there were before they were cut. */
export function hexDump(bytes: Uint8Array, length: number): string {
  const lines: string[] = []
  for (let offset = 0; offset < bytes.length; offset += BYTES_PER_LINE) {
    const part = [...bytes.subarray(offset, offset + BYTES_PER_LINE)]
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0'))
    const text = part.map((byte) =>
      byte >= PRINTABLE.first && byte <= PRINTABLE.last ? String.fromCharCode(byte) : '.',
    )
    lines.push(
      `${offset.toString(16).padStart(4, '0')}  ${hex.join(' ').padEnd(BYTES_PER_LINE * 3)} ${text.join('')}`,
    )
  }
  if (bytes.length < length) lines.push(`…     ${counted(length - bytes.length, 'byte')} more`)
  return lines.join('\n')
}
