import {
  fields,
  readFields,
  readVarints,
  WireError,
  type Field,
  type FieldValue,
} from './protobuf.ts'

/** `type` is 1 for IPv4, 2 for IPv6. */
export interface ProofAddress {
  readonly type: number
  readonly address: string
}

/** `id` is a multihash, `timestamp` ms since 1970. */
export interface Proof {
  readonly id: Uint8Array
  readonly timestamp: number
  readonly addrs: readonly ProofAddress[]
}

/** `proof` are the bytes of a {@link Proof}, over which the signature is made. */
export interface ProofWrapper {
  readonly proof: Uint8Array
  readonly signature: Uint8Array
}

/** `proof` are the bytes of a {@link ProofWrapper}. */
export interface ProofResponse {
  readonly error: number
  readonly proof?: Uint8Array
}

/** `addrs` are binary multiaddrs. */
export interface ProofServer {
  readonly id: Uint8Array
  readonly addrs: readonly Uint8Array[]
  readonly display: string
}

export interface IssueInfo {
  readonly domain: string
  readonly proofs: readonly ProofServer[]
}

/** `proofs` are the bytes of {@link ProofWrapper}s, `csr` is PKCS#10 in DER. */
export interface IssueRequest {
  readonly proofs: readonly Uint8Array[]
  readonly supportedCryptos: readonly number[]
  readonly csr?: Uint8Array
}

/** What is PEM here is the text itself. */
export interface IssueResponse {
  readonly error: number
  readonly cert?: string
  readonly chain?: string
  readonly ca?: string
  readonly key?: string
  readonly cn?: string
  readonly altnames: readonly string[]
  readonly validity?: number
  readonly fromCache?: boolean
  readonly cryptoType?: number
}

/** `serial` is a certificate's in lower-case hexadecimal. */
export interface RenewalRequest {
  readonly serial: string
}

/** `renewAt` is ms since 1970; absent where the server knows nothing. It knows nothing new for `askAfter` ms. */
export interface RenewalResponse {
  readonly error: number
  readonly renewAt?: number
  readonly askAfter?: number
}

export interface DNS01Request {
  readonly fqdn: string
  readonly value: string
}

export interface DNS01Response {
  readonly error: number
}

/** Not framed on pubsub. */
export interface Announce {
  readonly addr: readonly Uint8Array[]
}

export interface MessageCodec<T> {
  /** Fields in the order of their numbers, as PROTOCOL.md calls canonical. */
  encode(message: T): Uint8Array
  /** @throws {WireError} where a required field is missing, a text is no UTF-8, a time is out of range, … */
  decode(bytes: Uint8Array): T
}

type Kind = 'bytes' | 'text' | 'number' | 'time' | 'boolean' | Nested
/** A message within a message, whichever. */
interface Nested {
  encode(message: never): Uint8Array
  decode(bytes: Uint8Array): unknown
}
type Rule = 'required' | 'optional' | 'repeated'
type Shape<T> = { readonly [K in keyof T]-?: readonly [number, Rule, Kind] }

/** Times and durations beyond lose digits in JavaScript, and are refused (PROTOCOL.md, section 3). */
const TIME_MS_MAX = BigInt(Number.MAX_SAFE_INTEGER)

const ProofAddress = codec<ProofAddress>('Address', {
  type: [1, 'required', 'number'],
  address: [2, 'required', 'text'],
})
const ProofServer = codec<ProofServer>('ProofServer', {
  id: [1, 'required', 'bytes'],
  addrs: [2, 'repeated', 'bytes'],
  display: [3, 'required', 'text'],
})

export const Proof = codec<Proof>('Proof', {
  id: [1, 'required', 'bytes'],
  timestamp: [2, 'required', 'time'],
  addrs: [3, 'repeated', ProofAddress],
})
export const ProofWrapper = codec<ProofWrapper>('ProofWrapper', {
  proof: [1, 'required', 'bytes'],
  signature: [2, 'required', 'bytes'],
})
export const ProofResponse = codec<ProofResponse>('ProofResponse', {
  error: [1, 'required', 'number'],
  proof: [2, 'optional', 'bytes'],
})
export const IssueInfo = codec<IssueInfo>('IssueInfo', {
  domain: [1, 'required', 'text'],
  proofs: [2, 'repeated', ProofServer],
})
export const IssueRequest = codec<IssueRequest>('IssueRequest', {
  proofs: [1, 'repeated', 'bytes'],
  supportedCryptos: [2, 'repeated', 'number'],
  csr: [16, 'optional', 'bytes'],
})
export const IssueResponse = codec<IssueResponse>('IssueResponse', {
  error: [1, 'required', 'number'],
  cert: [2, 'optional', 'text'],
  chain: [3, 'optional', 'text'],
  ca: [4, 'optional', 'text'],
  key: [5, 'optional', 'text'],
  cn: [6, 'optional', 'text'],
  altnames: [7, 'repeated', 'text'],
  validity: [8, 'optional', 'time'],
  fromCache: [9, 'optional', 'boolean'],
  cryptoType: [10, 'optional', 'number'],
})
export const RenewalRequest = codec<RenewalRequest>('RenewalRequest', {
  serial: [1, 'required', 'text'],
})
export const RenewalResponse = codec<RenewalResponse>('RenewalResponse', {
  error: [1, 'required', 'number'],
  renewAt: [2, 'optional', 'time'],
  askAfter: [3, 'optional', 'time'],
})
export const DNS01Request = codec<DNS01Request>('DNS01Request', {
  fqdn: [1, 'required', 'text'],
  value: [2, 'required', 'text'],
})
export const DNS01Response = codec<DNS01Response>('DNS01Response', {
  error: [1, 'required', 'number'],
})
export const Announce = codec<Announce>('Announce', { addr: [1, 'repeated', 'bytes'] })

function codec<T extends object>(name: string, shape: Shape<T>): MessageCodec<T> {
  const rows = Object.entries<readonly [number, Rule, Kind]>(shape)
  return {
    encode(message) {
      const entries = rows.flatMap(([key, [number, rule, kind]]) => {
        const value = (message as Record<string, unknown>)[key]
        const values = rule === 'repeated' ? ((value ?? []) as unknown[]) : [value]
        return values
          .filter((item) => item !== undefined)
          .map((item) => [number, write(kind, item)] as const)
      })
      return fields(...entries)
    },
    decode(bytes) {
      const found = readFields(bytes)
      const message: Record<string, unknown> = {}
      for (const [key, [number, rule, kind]] of rows) {
        // A field of another wire type than ours is an unknown one.
        const values = found
          .filter((field) => field.number === number && isOfKind(field, kind, rule))
          .map(({ value }) => value)
        const where = `${name}.${key}`
        if (rule === 'repeated') {
          message[key] = values.flatMap((value) => readRepeated(kind, value, where))
          continue
        }
        const last = values.at(-1)
        if (last !== undefined) message[key] = read(kind, last, where)
        else if (rule === 'required') throw new WireError(`${where} is required and not there`)
      }
      return message as T
    },
  }
}

function isOfKind({ wireType }: Field, kind: Kind, rule: Rule): boolean {
  const isNumber = kind === 'number' || kind === 'time' || kind === 'boolean'
  if (kind === 'number' && rule === 'repeated') return wireType === 0 || wireType === 2
  return wireType === (isNumber ? 0 : 2)
}

function write(kind: Kind, value: unknown): FieldValue {
  return typeof kind === 'object' ? kind.encode(value as never) : (value as FieldValue)
}

/** Repeated numbers may be packed, in proto2 too. */
function readRepeated(kind: Kind, value: bigint | Uint8Array, where: string): readonly unknown[] {
  if (kind === 'number' && typeof value !== 'bigint') return readVarints(value).map(toNumber)
  return [read(kind, value, where)]
}

function read(kind: Kind, value: bigint | Uint8Array, where: string): unknown {
  if (typeof value === 'bigint') {
    if (kind === 'boolean') return value !== 0n
    if (kind === 'number') return toNumber(value)
    if (value > TIME_MS_MAX) {
      throw new WireError(`${where} is ${BigInt.asIntN(64, value)}, wanted ms from 0 to 2^53 - 1`)
    }
    return Number(value)
  }
  if (kind === 'bytes') return value
  return typeof kind === 'object' ? kind.decode(value) : readText(value, where)
}

/** Enumerations have 32 bits; a negative one comes in 64. */
function toNumber(value: bigint): number {
  return Number(BigInt.asUintN(32, value))
}

function readText(bytes: Uint8Array, where: string): string {
  try {
    // A byte order mark is a character like others.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!text.includes('\uFFFD')) return text
  } catch {
    // Said below.
  }
  throw new WireError(
    `${where} is not UTF-8: ${Buffer.from(bytes.subarray(0, 64)).toString('hex')}`,
  )
}
