/** A curve of ECDSA and ECDH. */
export interface Curve {
  /** In JWK (RFC 7518 §6.2.1.1, RFC 8812). */
  readonly name: string
  readonly opensslName: string
  /** How many points there are: private keys are below it. */
  readonly order: bigint
  /** Length of a private key and of a coordinate. */
  readonly bytes: number
}

/** FIPS 186-5 and SEC 2. */
const CURVES: readonly Curve[] = [
  {
    name: 'P-256',
    opensslName: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    bytes: 32,
  },
  {
    name: 'P-384',
    opensslName: 'secp384r1',
    order:
      0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    bytes: 48,
  },
  {
    name: 'P-521',
    opensslName: 'secp521r1',
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    bytes: 66,
  },
  {
    name: 'secp256k1',
    opensslName: 'secp256k1',
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
    bytes: 32,
  },
]

/** A curve by any of its names. */
export function findCurve(name: string): Curve | undefined {
  return CURVES.find((curve) => curve.name === name || curve.opensslName === name)
}
