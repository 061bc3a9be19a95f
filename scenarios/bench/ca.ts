// What the benchmarks of issuing stand on: a CA, and a DNS server in the same process that it validates against.
import { randomBytes } from 'node:crypto'
import { answer } from '../../impl/dns/answer.ts'
import { ChallengeStore } from '../../impl/dns/challenges.ts'
import { openSockets } from '../../impl/dns/sockets.ts'
import { createZone } from '../../impl/dns/zone.ts'
import { openAcmeCa, type AcmeCa, type AcmeCaOptions } from '../engine/ca/index.ts'

const ZONE = 'nt.example'
const TIMEOUT_MS = 300_000

export interface BenchCa extends AsyncDisposable {
  readonly ca: AcmeCa
  /** Lets the CA see the value of a challenge for a name, at once. */
  readonly answerWith: (name: string, value: string) => void
}

export async function openBenchCa(
  options: Omit<AcmeCaOptions, 'resolver' | 'signal'>,
): Promise<BenchCa> {
  const zone = createZone({
    zone: ZONE,
    nameServers: [{ name: `ns1.${ZONE}`, addresses: ['127.0.0.1'] }],
  })
  const challenges = new ChallengeStore()
  const sockets = await openSockets([{ address: '127.0.0.1', port: 0 }], {
    respond: (packet, transport) =>
      answer(packet, { zone, challenges, now: performance.now(), transport }),
    report: { dropped: () => {}, failed: () => {} },
  })
  const ca = await openAcmeCa({
    ...options,
    resolver: `127.0.0.1:${sockets.addresses[0]?.port}`,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  return {
    ca,
    answerWith: (name, value) => {
      challenges.set({ name, value }, performance.now())
    },
    async [Symbol.asyncDispose]() {
      await ca.stop()
      await sockets.close()
    },
  }
}

/** Three as a node with IPv4 and IPv6 has them, others at each call. */
export function randomNames(): string[] {
  const [a = 0, b = 0, c = 0] = randomBytes(3)
  return [
    `p${randomBytes(16).toString('hex')}.${ZONE}`,
    `ip410-${a}-${b}-${c}.${ZONE}`,
    `ip62001-db8--${a.toString(16)}-${b.toString(16)}.${ZONE}`,
  ]
}
