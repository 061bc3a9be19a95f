import { createPublicKey, verify } from 'node:crypto'
import { readDer, type DerValue } from './der.ts'

/** What a certificate signing request says (RFC 2986), as far as this protocol has it. */
export interface ReadCsr {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** dNSName entries of subjectAltName, in order. */
  readonly names: readonly string[]
  /** Whether it is signed with its own key. */
  readonly signed: boolean
}

const EXTENSION_REQUEST = '06092a864886f70d01090e'
const SUBJECT_ALTERNATIVE_NAME = '0603551d11'
const DNS_NAME_TAG = 0x82
const ATTRIBUTES_TAG = 0xa0

/** @throws {RangeError} where it is none */
export function readCsr(bytes: Uint8Array): ReadCsr {
  const [info, , signature] = children(only(bytes))
  const [, , publicKey, ...rest] = children(info)
  if (publicKey === undefined || signature === undefined || info === undefined) {
    throw new RangeError('a certificate signing request has parts that are missing')
  }
  const attributes = rest.filter(({ tag }) => tag === ATTRIBUTES_TAG).flatMap(children)
  const extensions = attributes
    .map(children)
    .filter(([id]) => hexOf(id) === EXTENSION_REQUEST)
    .flatMap(([, values]) => children(values).flatMap(children))
  const alternatives = extensions
    .map(children)
    .filter(([id]) => hexOf(id) === SUBJECT_ALTERNATIVE_NAME)
    .flatMap((parts) => children(only(parts.at(-1)?.content ?? new Uint8Array(0))))
  return {
    publicKey: publicKey.whole,
    names: alternatives.flatMap(({ tag, content }) =>
      tag === DNS_NAME_TAG ? [Buffer.from(content).toString('latin1')] : [],
    ),
    signed: isSigned({ info, publicKey, signature }),
  }
}

function isSigned({
  info,
  publicKey,
  signature,
}: Readonly<Record<'info' | 'publicKey' | 'signature', DerValue>>): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey.whole), format: 'der', type: 'spki' })
    const digest = key.asymmetricKeyType?.startsWith('ed') === true ? null : 'sha256'
    // The first byte of a bit string counts the bits that are left over.
    return verify(digest, info.whole, key, signature.content.subarray(1))
  } catch {
    return false
  }
}

function children(value: DerValue | undefined): readonly DerValue[] {
  return value === undefined ? [] : readDer(value.content)
}

function only(bytes: Uint8Array): DerValue {
  const [value, ...more] = readDer(bytes)
  if (value === undefined || more.length > 0) throw new RangeError('not one DER value')
  return value
}

function hexOf(value: DerValue | undefined): string {
  return Buffer.from(value?.whole ?? []).toString('hex')
}
