import { isUdp, type Packet } from './packet.ts'

/** What a firewall lets in beside the answers to what its host asked. */
export interface FirewallOptions {
  readonly open?: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: number }[]
  /** What becomes of the rest. @default 'drop' */
  readonly policy?: FirewallPolicy
}

/** An answer that there is nothing, or none at all. */
export type FirewallPolicy = 'drop' | 'refuse'

export type Judgement = 'admit' | FirewallPolicy

/** How long Linux remembers that a host has sent something: datagrams, connections. */
const UDP_MEMORY_MS = 120_000
const TCP_MEMORY_MS = 432_000_000
/** Conversations that are remembered: the oldest is forgotten for one more. */
const MEMORY_MAX = 65_536

/** A firewall that remembers whom its host has spoken to. */
export class Firewall {
  readonly #options: FirewallOptions
  /** Until when, by conversation. */
  readonly #memory = new Map<string, number>()

  constructor(options: FirewallOptions = {}) {
    this.#options = options
  }

  /** A packet leaves the host: answers to it may come in. */
  leaves(
    { kind, source, target }: Pick<Packet, 'kind' | 'source' | 'target'>,
    nowMs: number,
  ): void {
    const key = conversation(kind, source.key, target.key)
    this.#memory.delete(key)
    this.#memory.set(key, nowMs + (isUdp(kind) ? UDP_MEMORY_MS : TCP_MEMORY_MS))
    if (this.#memory.size <= MEMORY_MAX) return
    const [oldest = ''] = this.#memory.keys()
    this.#memory.delete(oldest)
  }

  judge({ kind, source, target }: Packet, nowMs: number): Judgement {
    const { open = [], policy = 'drop' } = this.#options
    const protocol = isUdp(kind) ? 'udp' : 'tcp'
    if (open.some((hole) => hole.protocol === protocol && hole.port === target.port)) return 'admit'
    const untilMs = this.#memory.get(conversation(kind, target.key, source.key))
    return untilMs !== undefined && untilMs >= nowMs ? 'admit' : policy
  }
}

function conversation(kind: Packet['kind'], inside: string, outside: string): string {
  return `${isUdp(kind) ? 'udp' : 'tcp'} ${inside} ${outside}`
}
