// How people see for themselves what a check of a libp2p protocol sees: the command `send` speaks with any server.
import { COMMAND } from '../suite/agent.ts'
import type { Target } from '../suite/target.ts'
import { PROTOCOLS } from '../wire/index.ts'
import { addressOf, ROLE_OF, type ProtocolName } from './exchange.ts'

export interface SendInit {
  readonly protocol: ProtocolName
  /** Frames and all. @default nothing is sent */
  readonly bytes?: Uint8Array
  /** As the peer that may set challenges, whose key is in the target file. */
  readonly asWriter?: boolean
  /** What then happens at a server that conforms. */
  readonly shows: string
}

/** A line that sends these bytes and shows what comes back. */
export function send(target: Target, { protocol, bytes, asWriter, shows }: SendInit): string {
  const role = ROLE_OF[protocol]
  const address = addressOf(target, role) ?? `<multiaddr of the ${role} server>`
  const parts = [COMMAND, 'send', address, PROTOCOLS[protocol]]
  if (bytes !== undefined && bytes.length > 0) parts.push(Buffer.from(bytes).toString('hex'))
  if (asWriter === true) parts.push('--writer-of target.json')
  return `${parts.join(' ')}\n# ${shows}`
}

/** For what depends on keys and the time: the case itself, which keeps every byte that it sends. */
export function evidence(id: string, shows: string): string {
  return `${COMMAND} run --target target.json ${id} --out evidence\n# ${shows}; evidence/ then holds every byte, in wire.jsonl`
}
