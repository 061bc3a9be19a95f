import { CLASS, RCODE, TYPE } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/read.ts'

// What answers may look like. Each looks at one thing, so that a server that is wrong in one thing fails one check.

/** NOERROR, and records of this type with just these data, in any order, at the name asked for. */
export function holds(type: number, texts: readonly string[]): (message: Message) => boolean {
  const wanted = texts.toSorted().join('\n')
  return (message) =>
    message.rcode === RCODE.NOERROR &&
    message.answers.every((record) => record.type === type && isOwned(record, message)) &&
    message.answers
      .map(({ text }) => text)
      .toSorted()
      .join('\n') === wanted
}

/** NOERROR without an answer; whether the SOA is there is another requirement. */
export function isNodata(message: Message): boolean {
  return message.rcode === RCODE.NOERROR && message.answers.length === 0 && !isReferral(message)
}

export function isNxdomain(message: Message): boolean {
  return message.rcode === RCODE.NXDOMAIN && message.answers.length === 0
}

/** One of these codes, and nothing of the zone. */
export function refuses(...rcodes: readonly number[]): (message: Message) => boolean {
  return (message) =>
    rcodes.includes(message.rcode) &&
    message.answers.length === 0 &&
    message.authority.length === 0 &&
    message.additional.length === 0
}

/** The zone's SOA alone in the authority section, as RFC 2308 §3 wants it in negative answers. */
export function hasZoneSoa(message: Message, zone: string): boolean {
  const soas = message.authority.filter(({ type }) => type === TYPE.SOA)
  return soas.length === 1 && sameName(soas[0]?.name ?? '', zone)
}

export function soaOf(message: Message): ResourceRecord | undefined {
  return [...message.answers, ...message.authority].find(({ type }) => type === TYPE.SOA)
}

/** Names are equal whatever their case (RFC 4343). */
export function sameName(one: string, other: string): boolean {
  const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '')
  return plain(one) === plain(other)
}

/** Without an answer and with name servers: "ask there", which an authoritative server never says of its own names. */
function isReferral(message: Message): boolean {
  return message.authority.some(({ type }) => type === TYPE.NS)
}

function isOwned(record: ResourceRecord, { questions }: Message): boolean {
  return record.class === CLASS.IN && sameName(record.name, questions[0]?.name ?? record.name)
}
