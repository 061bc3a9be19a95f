// The DNS messages of a validation (RFC 1035 section 4.1): one TXT question, and its answer.

const TYPE = { cname: 5, txt: 16, opt: 41 }
const CLASS_IN = 1
const HEADER_LENGTH = 12
const RESPONSE_BIT = 0x8000
const TRUNCATED_BIT = 0x0200
const RECURSION_BIT = 0x0100
const NAME_LENGTH_MAX = 255
/** What passes unfragmented nearly everywhere: https://dnsflagday.net/2020/. */
const UDP_LENGTH_MAX = 1232
/** Records of one answer that are looked at. */
const RECORDS_MAX = 100
const ALIASES_MAX = 8

export interface TxtAnswer {
  readonly rcode: number
  readonly truncated: boolean
  /** One text for each record of the name or of what it is an alias of; strings of a record are joined. */
  readonly values: readonly string[]
}

/** @throws {RangeError} where the name is none that DNS can ask for */
export function txtQuestion(id: number, name: string): Buffer {
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(label, 'latin1')
    if (bytes.length === 0 || bytes.length > 63) {
      throw new RangeError(`"${name}" has a label of ${bytes.length} characters`)
    }
    return Buffer.concat([Buffer.from([bytes.length]), bytes])
  })
  const encoded = Buffer.concat([...labels, Buffer.of(0)])
  if (encoded.length > NAME_LENGTH_MAX) throw new RangeError(`"${name}" is too long a name`)
  const question = shorts(TYPE.txt, CLASS_IN)
  // RFC 6891 section 6.1.2: an OPT record tells how much we can take.
  const opt = Buffer.concat([Buffer.of(0), shorts(TYPE.opt, UDP_LENGTH_MAX, 0, 0, 0)])
  return Buffer.concat([shorts(id, RECURSION_BIT, 1, 0, 0, 1), encoded, question, opt])
}

/** Undefined where it is no answer to this question. @throws {RangeError} where it cannot be read */
export function txtAnswer(message: Buffer, id: number, name: string): TxtAnswer | undefined {
  if (message.length < HEADER_LENGTH || message.readUInt16BE(0) !== id) return undefined
  const flags = message.readUInt16BE(2)
  if ((flags & RESPONSE_BIT) === 0) return undefined
  const reader = new Reader(message)
  if (message.readUInt16BE(4) !== 1 || reader.name() !== name.toLowerCase()) return undefined
  if (reader.short() !== TYPE.txt || reader.short() !== CLASS_IN) return undefined
  const aliases = new Map<string, string>()
  const texts: { readonly owner: string; readonly value: string }[] = []
  const truncated = (flags & TRUNCATED_BIT) !== 0
  const count = truncated ? 0 : Math.min(message.readUInt16BE(6), RECORDS_MAX)
  for (let index = 0; index < count; index++) {
    const owner = reader.name()
    const type = reader.short()
    reader.skip(6) // class and time to live
    const end = reader.short() + reader.offset
    if (type === TYPE.cname) aliases.set(owner, reader.name())
    if (type === TYPE.txt) texts.push({ owner, value: reader.strings(end) })
    reader.offset = end
  }
  const owners = aliasesOf(name.toLowerCase(), aliases)
  const values = texts.filter(({ owner }) => owners.has(owner)).map(({ value }) => value)
  return { rcode: flags & 0x0f, truncated, values }
}

/** The name and what it leads to, as the resolver's answer tells. */
function aliasesOf(name: string, aliases: ReadonlyMap<string, string>): ReadonlySet<string> {
  const owners = new Set([name])
  for (let step = 0, next = aliases.get(name); next !== undefined && step < ALIASES_MAX; step++) {
    owners.add(next)
    next = aliases.get(next)
  }
  return owners
}

class Reader {
  readonly #message: Buffer
  offset = HEADER_LENGTH

  constructor(message: Buffer) {
    this.#message = message
  }

  short(): number {
    this.skip(2)
    return this.#message.readUInt16BE(this.offset - 2)
  }

  skip(length: number): void {
    this.offset += length
    if (this.offset > this.#message.length) throw new RangeError('the message ends too early')
  }

  /** In lower case; pointers (section 4.1.4) only lead backwards, so that it ends. */
  name(): string {
    const labels: string[] = []
    let [position, limit] = [this.offset, this.offset]
    let end: number | undefined
    for (let length = 0; length <= NAME_LENGTH_MAX;) {
      const first = this.#message[position]
      if (first === undefined) break
      if (first >= 0xc0) {
        const target = this.#message.readUInt16BE(position) & 0x3fff
        end ??= position + 2
        if (target >= limit) break
        position = limit = target
        continue
      }
      if (first > 63) break
      if (first === 0) {
        this.offset = end ?? position + 1
        return labels.join('.').toLowerCase()
      }
      labels.push(this.#message.toString('latin1', position + 1, position + 1 + first))
      position += 1 + first
      length += 1 + first
    }
    throw new RangeError('the message has a name that cannot be read')
  }

  strings(end: number): string {
    if (end > this.#message.length) throw new RangeError('the message ends too early')
    let text = ''
    for (let position = this.offset; position < end;) {
      const length = this.#message[position] ?? 0
      if (position + 1 + length > end) throw new RangeError('a text is longer than its record')
      text += this.#message.toString('latin1', position + 1, position + 1 + length)
      position += 1 + length
    }
    return text
  }
}

function shorts(...values: readonly number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]))
}
