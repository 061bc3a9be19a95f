import protobuf from 'protobufjs'
import { MalformedError } from './errors.ts'
import { SCHEMA } from './schema.ts'

/** One address of a proof; `type` is an `ADDRESS_TYPE`, or any number that a stranger sends. */
export interface Address {
  readonly type: number
  readonly address: string
}

/** What a proof server states: peer `id` (multihash) was seen at `addrs` at `timestamp` (ms since 1970). */
export interface Proof {
  readonly id: Uint8Array
  readonly timestamp: number
  readonly addrs: readonly Address[]
}

/** An encoded {@link Proof} and the signature over exactly these bytes. */
export interface ProofWrapper {
  readonly proof: Uint8Array
  readonly signature: Uint8Array
}

/** `proof` is an encoded {@link ProofWrapper}. */
export interface ProofResponse {
  readonly error: number
  readonly proof?: Uint8Array
}

/** A proof server as an issue server lists it: peer id (multihash), binary multiaddrs, a name for people. */
export interface ProofServerInfo {
  readonly id: Uint8Array
  readonly addrs: readonly Uint8Array[]
  readonly display: string
}

/** `domain` is the zone, lower case and without a dot at its ends. */
export interface IssueInfo {
  readonly domain: string
  readonly proofs: readonly ProofServerInfo[]
}

/** `proofs` are encoded {@link ProofWrapper}s; `csr` is PKCS#10 in DER. */
export interface IssueRequest {
  readonly proofs: readonly Uint8Array[]
  readonly supportedCryptos: readonly number[]
  readonly csr?: Uint8Array
}

/** Certificates and key are PEM text in UTF-8; `validity` is notAfter in ms since 1970. */
export interface IssueResponse {
  readonly error: number
  readonly cert?: Uint8Array
  readonly chain?: Uint8Array
  readonly ca?: Uint8Array
  readonly key?: Uint8Array
  readonly cn?: string
  readonly altnames?: readonly string[]
  readonly validity?: number
  readonly fromCache?: boolean
  readonly cryptoType?: number
}

/** `serial` is a certificate's: lower case hex, whole bytes. */
export interface RenewalRequest {
  readonly serial: string
}

/**
 * `renewAt` is in ms since 1970; absent when the server knows nothing better than the usual time. For the `askAfter` ms
 * to come, the server will know nothing new; absent when it cannot say.
 */
export interface RenewalResponse {
  readonly error: number
  readonly renewAt?: number
  readonly askAfter?: number
}

/** `fqdn` is the name that is to be certified, without `_acme-challenge.` (NT-DNS01-002). */
export interface DNS01Request {
  readonly fqdn: string
  readonly value: string
}

export interface DNS01Response {
  readonly error: number
}

/** What a peer publishes for discovery: its binary multiaddrs. Not length-prefixed (NT-DISC-001). */
export interface Announce {
  readonly addr: readonly Uint8Array[]
}

/** Turns one kind of message into bytes and back. */
export interface MessageCodec<T> {
  encode(message: T): Uint8Array
  /** @throws {MalformedError} when the bytes are not such a message, or a text in it is not UTF-8. */
  decode(bytes: Uint8Array): T
}

const root = protobuf.parse(SCHEMA, { keepCase: true }).root.resolveAll()

export const Proof: MessageCodec<Proof> = codec('Proof')
export const ProofWrapper: MessageCodec<ProofWrapper> = codec('ProofWrapper')
export const ProofResponse: MessageCodec<ProofResponse> = codec('ProofResponse')
export const IssueInfo: MessageCodec<IssueInfo> = codec('IssueInfo')
export const IssueRequest: MessageCodec<IssueRequest> = codec('IssueRequest')
export const IssueResponse: MessageCodec<IssueResponse> = codec('IssueResponse')
export const RenewalRequest: MessageCodec<RenewalRequest> = codec('RenewalRequest')
export const RenewalResponse: MessageCodec<RenewalResponse> = codec('RenewalResponse')
export const DNS01Request: MessageCodec<DNS01Request> = codec('DNS01Request')
export const DNS01Response: MessageCodec<DNS01Response> = codec('DNS01Response')
export const Announce: MessageCodec<Announce> = codec('Announce')

function codec<T>(name: string): MessageCodec<T> {
  const type = root.lookupType(name)
  return {
    encode: (message) => type.encode(message as Record<string, unknown>).finish(),
    decode(bytes) {
      let decoded: protobuf.Message
      try {
        decoded = type.decode(bytes)
      } catch (cause) {
        throw new MalformedError(`not a ${name} of ${bytes.length} bytes: ${String(cause)}`, {
          cause,
        })
      }
      const value = toPlain(type, decoded as unknown as Record<string, unknown>)
      return value as T
    },
  }
}

/** Copies the fields that came into a plain object, and refuses what protobufjs lets pass. */
function toPlain(type: protobuf.Type, decoded: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const field of type.fieldsArray) {
    const value = Object.hasOwn(decoded, field.name) ? decoded[field.name] : undefined
    if (field.repeated) {
      plain[field.name] = ((value ?? []) as unknown[]).map((item) => toPlainValue(field, item))
    } else if (value !== undefined) {
      plain[field.name] = toPlainValue(field, value)
    }
  }
  return plain
}

function toPlainValue(field: protobuf.Field, value: unknown): unknown {
  if (field.resolvedType instanceof protobuf.Type) {
    return toPlain(field.resolvedType, value as Record<string, unknown>)
  }
  switch (field.type) {
    case 'string':
      // protobufjs puts U+FFFD where the bytes are not UTF-8. No name, address or display text that we
      // accept contains that character, so it is the sign of a broken text (NT-WIRE-012).
      if ((value as string).includes('\uFFFD')) {
        throw new MalformedError(`field "${field.name}" is not valid UTF-8`)
      }
      return value
    case 'bytes':
      // A view into the frame would keep the whole frame alive.
      return Uint8Array.from(value as Uint8Array)
    case 'int64': {
      // All our int64 are times: outside of this range they are nonsense, and would lose digits.
      const milliseconds = Number(value as bigint | number | { toString(): string })
      if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
        throw new MalformedError(
          `field "${field.name}" is ${String(value)}, wanted milliseconds from 0 to 2^53 - 1`,
        )
      }
      return milliseconds
    }
    default:
      return value
  }
}
