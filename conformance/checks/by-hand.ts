// How people see for themselves what a check of a libp2p protocol sees: the command `send` speaks with any server.
import { COMMAND } from '../suite/agent.ts'
import type { KeyType } from '../suite/case.ts'
import type { Target } from '../suite/target.ts'
import { PROTOCOLS } from '../wire/index.ts'
import {
  addressOf,
  ROLE_OF,
  type AddressWish,
  type ProtocolName,
  type ServerRole,
} from './exchange.ts'

export interface SendInit {
  /** Whose server it is, too. */
  readonly protocol: ProtocolName
  /** What is asked for there. @default the protocol */
  readonly protocolId?: string
  /** Frames and all. @default nothing is sent */
  readonly bytes?: Uint8Array
  /** A byte every so many milliseconds. */
  readonly slowlyMs?: number
  /** The own side is not ended after the bytes. */
  readonly keepOpen?: true
  /** As the peer that may set challenges, whose key is in the target file. */
  readonly asWriter?: boolean
  /** Where. @default the server's first address, IPv4 if there is one */
  readonly at?: AddressWish
  /** Of the peer that sends. @default Ed25519 */
  readonly keyType?: KeyType
  /** What then happens at a server that conforms. */
  readonly shows: string
}

/** A line that sends these bytes and shows what comes back. */
export function send(
  target: Target,
  { protocol, protocolId, bytes, slowlyMs, keepOpen, asWriter, at, keyType, shows }: SendInit,
): string {
  const role = ROLE_OF[protocol]
  const address = addressOf(target, role, at) ?? addressOf(target, role) ?? noAddress(role)
  const parts = [COMMAND, 'send', address, protocolId ?? PROTOCOLS[protocol]]
  if (bytes !== undefined && bytes.length > 0) parts.push(Buffer.from(bytes).toString('hex'))
  if (keepOpen === true) parts.push('--keep-open')
  if (slowlyMs !== undefined) parts.push(`--slowly ${slowlyMs}`)
  if (keyType !== undefined) parts.push(`--key-type ${keyType}`)
  if (asWriter === true) parts.push(`--writer-of ${TARGET_FILE}`)
  return `${parts.join(' ')}\n# ${shows}`
}

function noAddress(role: ServerRole): string {
  return `<multiaddr of the ${role} server>`
}

const TIMES = 100

/** A line many times, for limits: each time by another peer, from the same address. */
export function again(lines: string): string {
  const [line = '', ...comments] = lines.split('\n')
  return [`for i in $(seq ${TIMES}); do ${line}; done`, ...comments].join('\n')
}

/** A line as several peers at the same time, the output of each together. */
export function atOnce(lines: string): string {
  const [line = '', ...comments] = lines.split('\n')
  return [
    `for i in 1 2 3 4; do ${line} > by-hand.$i 2>&1 & done; wait; cat by-hand.[1-4]`,
    ...comments,
  ].join('\n')
}

/** For what depends on keys and the time: a line that makes and sends the request of a case. */
export function sendRequest(
  target: Target,
  { id, shows }: { readonly id: string; readonly shows: string },
): string {
  const address = addressOf(target, 'issue') ?? noAddress('issue')
  return `${COMMAND} send ${address} ${PROTOCOLS.issue} --request-of ${id} --target ${TARGET_FILE}\n# ${shows}`
}

/** The same, where a certificate comes: the answer holds it in PEM. */
export function sendForCertificate(
  target: Target,
  { id, shows }: { readonly id: string; readonly shows: string },
): string {
  const [line = ''] = sendRequest(target, { id, shows }).split('\n')
  return `${line} |\n  sed -n 's/^received //p' | xxd -r -p | sed 's/-----BEGIN/\\n&/' | openssl x509 -noout -text\n# ${shows}`
}

/** The same, for what is in other fields of the answer. A certificate makes its length one of two bytes. */
export function sendForFields(
  target: Target,
  { id, shows }: { readonly id: string; readonly shows: string },
): string {
  const [line = ''] = sendRequest(target, { id, shows }).split('\n')
  return `${line} |\n  sed -n 's/^received //p' | xxd -r -p | tail -c +3 | protoc --decode_raw\n# ${shows}`
}

/** For clients: a shell in the client's place writes down where the played servers are, and keeps them there. */
export function playedByHand(
  id: string,
  { testcase, shows }: { readonly testcase: string; readonly shows: string },
): string {
  return [
    `rm -f nt.env; ${COMMAND} client ${id} --exec '[ $NT_TESTCASE = ${testcase} ] || exit 127; env | grep ^NT_ > nt.env; sleep 60' &`,
    'until [ -s nt.env ]; do sleep 1; done; env $(cat nt.env) ./my-client',
    `# your client with the servers that this check plays, until the check has seen enough or waited too long: ${shows}`,
  ].join('\n')
}

/** For what no command can do, with the reason: the case itself, which keeps every byte that it sends. */
export function notByHand(
  id: string,
  { why, shows }: { readonly why: string; readonly shows: string },
): string {
  return `${NOT_BY_HAND}${why}\n${COMMAND} run --target ${TARGET_FILE} ${id} --out evidence\n# ${shows}; evidence/ then holds every byte, in wire.jsonl`
}

/** As lines name the target's file: no check knows where it is. */
const TARGET_FILE = 'target.json'

/** Lines that can be pasted: with the target's file as it was named on the command line. */
export function withTargetFile(lines: string, file: string): string {
  const word = /^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`
  return lines.replaceAll(
    new RegExp(`(--target|--writer-of) ${RegExp.escape(TARGET_FILE)}(?!\\S)`, 'g'),
    (_, option: string) => `${option} ${word}`,
  )
}

/** Begins the lines of such a case. */
export const NOT_BY_HAND = '# not by hand: '
