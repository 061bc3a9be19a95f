import { openAcmeCa, openResolver, type AcmeCaOptions } from '../../scenarios/engine/ca/index.ts'
import type { DnsTarget } from '../suite/target.ts'

/** A CA for the servers under test, and the resolver by which it finds their zone. */
export interface SelfCa extends AsyncDisposable {
  /** Such as `Pebble 2.4.0 from PATH (/usr/bin/pebble)`. */
  readonly description: string
  readonly directoryUrl: string
  /** PEM that the CA's own HTTPS certificate is verified with. */
  readonly certificateAuthority: string
  /** PEM of the roots that it issues under. */
  readonly roots: readonly string[]
  /** The DNS servers that it asks from now on. */
  use(servers: readonly DnsTarget[]): void
}

export type SelfCaOptions = Omit<AcmeCaOptions, 'resolver'>

/** Opens a CA that many servers can use, one after the other: its start takes longer than theirs. */
export async function openSelfCa(options: SelfCaOptions): Promise<SelfCa> {
  let servers: readonly DnsTarget[] = []
  const resolver = await openResolver({ upstreams: () => servers, silenceMs: SILENCE_MS })
  try {
    const ca = await openAcmeCa({ ...options, resolver: resolver.address })
    const roots = (await ca.rootCertificates()).match(PEM) ?? []
    return {
      description: ca.description,
      directoryUrl: ca.directoryUrl,
      certificateAuthority: ca.certificateAuthority,
      roots,
      use: (changed) => {
        servers = changed
      },
      async [Symbol.asyncDispose]() {
        await ca.stop()
        await resolver.close()
      },
    }
  } catch (error) {
    await resolver.close()
    throw error
  }
}

/** The suite answers the CA's queries itself, and may have a lot to do meanwhile: there is no other server to ask. */
const SILENCE_MS = 5_000

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
