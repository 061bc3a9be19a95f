// Certificate signing requests (RFC 2986), made the same way by clients and, for clients of 2018, by issue servers.
import { createPublicKey, sign, type KeyObject } from 'node:crypto'

/** RFC 5280, upper bounds: ub-common-name. Boulder drops a longer one, other CAs refuse it (NT-ISSUE-025). */
const COMMON_NAME_BYTES_MAX = 64

/** X.690 §8.1.2; the last is the context's own: in a GeneralName it is dNSName (RFC 5280 §4.2.1.6). */
const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  UTF8_STRING: 0x0c,
  SEQUENCE: 0x30,
  SET: 0x31,
  ATTRIBUTES: 0xa0,
  DNS_NAME: 0x82,
} as const

/** Object identifiers, with tag and length. */
const OID = {
  COMMON_NAME: Buffer.from('0603550403', 'hex'),
  SUBJECT_ALTERNATIVE_NAME: Buffer.from('0603551d11', 'hex'),
  /** RFC 2985 §5.4.2. */
  EXTENSION_REQUEST: Buffer.from('06092a864886f70d01090e', 'hex'),
}

/** AlgorithmIdentifiers: ECDSA has no parameters (RFC 5758 §3.2), RSA has NULL (RFC 4055 §5). */
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex')
const RSA_WITH_SHA256 = Buffer.from('300d06092a864886f70d01010b0500', 'hex')

/**
 * A request for `names`, of which the first is also the common name where that has room for it.
 *
 * Written here because what is written is always the same few values; requests of others are read with a library.
 * @param privateKey - P-256 or RSA.
 * @returns PKCS#10 in DER
 */
export function createCsr(privateKey: KeyObject, names: readonly string[]): Uint8Array {
  const [commonName = ''] = names
  const hasCommonName = commonName !== '' && Buffer.byteLength(commonName) <= COMMON_NAME_BYTES_MAX
  const info = sequence(
    der(TAG.INTEGER, Buffer.of(0)),
    hasCommonName ? subject(commonName) : sequence(),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    // RFC 5280 §4.2.1.6: critical when the subject is empty.
    der(TAG.ATTRIBUTES, extensionRequest(names, { critical: !hasCommonName })),
  )
  return new Uint8Array(
    sequence(
      info,
      privateKey.asymmetricKeyType === 'ec' ? ECDSA_WITH_SHA256 : RSA_WITH_SHA256,
      der(TAG.BIT_STRING, Buffer.of(0), sign('sha256', info, privateKey)),
    ),
  )
}

function subject(commonName: string): Buffer {
  const attribute = sequence(OID.COMMON_NAME, der(TAG.UTF8_STRING, Buffer.from(commonName)))
  return sequence(der(TAG.SET, attribute))
}

function extensionRequest(
  names: readonly string[],
  { critical }: { readonly critical: boolean },
): Buffer {
  const dnsNames = names.map((name) => der(TAG.DNS_NAME, Buffer.from(name)))
  const extension = sequence(
    OID.SUBJECT_ALTERNATIVE_NAME,
    // DER leaves a default out, which is false.
    ...(critical ? [der(TAG.BOOLEAN, Buffer.of(0xff))] : []),
    der(TAG.OCTET_STRING, sequence(...dnsNames)),
  )
  return sequence(OID.EXTENSION_REQUEST, der(TAG.SET, sequence(extension)))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(TAG.SEQUENCE, ...parts)
}

/** One value: tag, length (X.690 §8.1.3) and contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { byteLength }) => sum + byteLength, 0)
  return Buffer.concat([Buffer.of(tag, ...lengthBytes(length)), ...contents])
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  if (length < 0x10000) return [0x82, length >> 8, length & 0xff]
  throw new RangeError(`a part of the csr is ${length} bytes long, at most 65535 can be written`)
}
