import { generateKeyPair, privateKeyToProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'

/** A libp2p key in the forms that files and configurations hold. */
export interface KeyTexts {
  /** Protobuf, base64. Secret. */
  readonly privateKey: string
  /** Protobuf, base64. */
  readonly publicKey: string
  readonly peerId: string
}

/** A new Ed25519 key. */
export async function generateKeyTexts(): Promise<KeyTexts> {
  const key = await generateKeyPair('Ed25519')
  return {
    privateKey: Buffer.from(privateKeyToProtobuf(key)).toString('base64'),
    publicKey: Buffer.from(publicKeyToProtobuf(key.publicKey)).toString('base64'),
    peerId: peerIdFromPrivateKey(key).toString(),
  }
}
