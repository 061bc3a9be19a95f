import { className, EDNS_DO, FLAG, opcodeName, rcodeName, typeName } from './codes.ts'
import { readMessage, type Message, type ResourceRecord } from './read.ts'

const RECORDS_SHOWN_MAX = 4
const BYTES_SHOWN_MAX = 48

/** A response in a line: code, flags, and its records, the way dig would say it. */
export function describeMessage(message: Message): string {
  const flags = (['AA', 'TC', 'RD', 'RA', 'Z', 'AD', 'CD'] as const).filter(
    (flag) => (message.flags & FLAG[flag]) !== 0,
  )
  const opcode = message.opcode === 0 ? [] : [`opcode ${opcodeName(message.opcode)}`]
  const sections = (['answers', 'authority', 'additional'] as const).flatMap((section) =>
    message[section].length === 0 ? [] : [`${section}: ${describeRecords(message[section])}`],
  )
  const { edns } = message
  const opt =
    edns === undefined
      ? []
      : [
          `OPT version ${edns.version}, ${edns.payloadBytesMax} bytes${(edns.flags & EDNS_DO) === 0 ? '' : ', DO'}${
            edns.options.length === 0 ? '' : `, options ${edns.options.join(' ')}`
          }`,
        ]
  return [
    rcodeName(message.rcode),
    ...opcode,
    flags.length === 0 ? 'no flags' : flags.join(' '),
    ...(message.questions.length === 1 ? [] : [`${message.questions.length} questions`]),
    ...(sections.length === 0 ? ['no records'] : sections),
    ...opt,
  ].join('; ')
}

/** A packet for notes and failures: as a message where it is one, else its bytes. */
export function describePacket(packet: Uint8Array): string {
  try {
    return describeMessage(readMessage(packet))
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'unreadable'
    return `${packet.length} bytes ${shownHex(packet)} that are no message: ${reason}`
  }
}

/** What a packet asks, as far as it asks something. */
export function describeQuery(packet: Uint8Array): string {
  try {
    const message = readMessage(packet)
    const [question] = message.questions
    if (question === undefined || message.questions.length > 1) return shownHex(packet)
    const code = question.class === 1 ? '' : ` ${className(question.class)}`
    const opcode = message.opcode === 0 ? '' : `${opcodeName(message.opcode)} `
    return `${opcode}${question.name}${code} ${typeName(question.type)}`
  } catch {
    return shownHex(packet)
  }
}

export function describeRecords(records: readonly ResourceRecord[]): string {
  const shown = records
    .slice(0, RECORDS_SHOWN_MAX)
    .map(({ name, ttl, type, text }) => `${name} ${ttl} ${typeName(type)} ${text}`)
  const rest = records.length - shown.length
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join(', ')
}

function shownHex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, BYTES_SHOWN_MAX)).toString('hex')
  return bytes.length > BYTES_SHOWN_MAX ? `${shown}…` : shown
}
