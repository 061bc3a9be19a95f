import type { BoundAddress } from './dns/index.ts'

const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Where this machine reaches what listens there: what listens everywhere is asked on loopback. */
export function reachableAt({ address, port }: Pick<BoundAddress, 'address' | 'port'>): {
  readonly address: string
  readonly port: number
} {
  return { address: LOOPBACK[address] ?? address, port }
}
