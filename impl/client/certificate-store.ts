import { createPrivateKey } from 'node:crypto'
import { Key, type Datastore } from 'interface-datastore'
import type { Logger, PeerId } from '@libp2p/interface'
import { id0Name } from '../wire/names.ts'
import { checkCertificate, type Certificate } from './check.ts'
import { createCertificateKey } from './request.ts'

const CERTIFICATE_KEY = new Key('/nodetrust/certificate')
const PENDING_KEY_KEY = new Key('/nodetrust/pending-key')

/** A record of another version is obtained anew. */
const RECORD_VERSION = 1

/** A chain, a key and some names take about 6 KB; more than this did not come from us. */
const RECORD_BYTES_MAX = 256 * 1024

interface CertificateRecord {
  readonly version: typeof RECORD_VERSION
  readonly chain: string
  readonly key: string
  readonly zone: string
  readonly addressNames: readonly string[]
}

/** Keeps the certificate in the node's libp2p datastore, so that it survives a restart (NT-CLIENT-013). */
export class CertificateStore {
  readonly #datastore: Datastore
  readonly #self: PeerId
  readonly #log: Logger
  #pendingKey: string | undefined

  constructor(datastore: Datastore, self: PeerId, log: Logger) {
    this.#datastore = datastore
    this.#self = self
    this.#log = log
  }

  /** The stored certificate, checked like a new one; `undefined` when there is none that can be served. */
  async load(now: number): Promise<Certificate | undefined> {
    try {
      const record = parseRecord(await this.#datastore.get(CERTIFICATE_KEY))
      return checkCertificate({
        chain: record.chain,
        keys: [record.key],
        zone: record.zone,
        idName: id0Name(this.#self.toMultihash().bytes, record.zone),
        addressNames: record.addressNames,
        claimedNames: [],
        now,
      })
    } catch {
      // Absent, lapsed, of another peer or broken: in each case a new one is obtained and takes its place.
      return undefined
    }
  }

  /** Stores a certificate. The key that waited for it has found its use. */
  async save(certificate: Certificate): Promise<void> {
    this.#pendingKey = undefined
    const record: CertificateRecord = {
      version: RECORD_VERSION,
      chain: certificate.chain,
      key: certificate.key,
      zone: certificate.zone,
      addressNames: certificate.names.slice(1),
    }
    try {
      const batch = this.#datastore.batch()
      batch.put(CERTIFICATE_KEY, Buffer.from(JSON.stringify(record)))
      batch.delete(PENDING_KEY_KEY)
      await batch.commit()
    } catch (error) {
      // It can be served all the same; the next start will have to ask for another one.
      this.#log.error('could not store the certificate - %e', error)
    }
  }

  /**
   * The key for the next certificate. It stays the same until there is one: an issue server that is asked again after
   * a lost answer or a restart then knows the order that it already has, instead of spending a CA's limit twice.
   */
  async pendingKey(): Promise<string> {
    try {
      const pem = Buffer.from(await this.#datastore.get(PENDING_KEY_KEY)).toString('utf8')
      if (createPrivateKey(pem).asymmetricKeyType === 'ec') return pem
    } catch {
      // There is none yet, or what is there is no key.
    }
    const pem = (this.#pendingKey ??= await createCertificateKey())
    try {
      await this.#datastore.put(PENDING_KEY_KEY, Buffer.from(pem))
    } catch (error) {
      // A full or read-only disk is no reason to have no certificate: the key is kept in memory.
      this.#log.error('could not store the key - %e', error)
    }
    return pem
  }
}

/** @throws {SyntaxError} when the bytes are no record of ours. */
function parseRecord(bytes: Uint8Array): CertificateRecord {
  if (bytes.length > RECORD_BYTES_MAX) throw new SyntaxError('the record is too long')
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
  if (typeof value !== 'object' || value === null) throw new SyntaxError('no certificate record')
  const { version, chain, key, zone, addressNames } = value as Record<string, unknown>
  if (
    version !== RECORD_VERSION ||
    typeof chain !== 'string' ||
    typeof key !== 'string' ||
    typeof zone !== 'string' ||
    !Array.isArray(addressNames) ||
    !addressNames.every((name) => typeof name === 'string')
  ) {
    throw new SyntaxError('no certificate record')
  }
  return { version, chain, key, zone, addressNames }
}
