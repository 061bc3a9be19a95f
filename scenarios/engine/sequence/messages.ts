import type { TraceEntry } from '../trace.ts'
import type { Kind } from './page/data.ts'

/** Details that name another host, and which way the message went: to the host that tells, or from it. */
const OTHERS: readonly (readonly [key: string, way: 'in' | 'out'])[] = [
  ['via', 'in'],
  ['writer', 'in'],
  ['peer', 'in'],
  ['from', 'in'],
  ['server', 'out'],
  ['to', 'out'],
]
/** Answers go the other way. */
const ANSWERS = new Set([
  'proof:signed',
  'proof:refused',
  'request:refused',
  'certificate:issued',
  'writer:refused',
])
/** They name another host and are no message of their own: its other end tells of it too. */
const NO_MESSAGES = new Set(['proof:received', 'challenge:set', 'renewal:suggested'])
/** Orders go to the CA, whoever they are for. */
const TO_CA = new Set(['order:created', 'order:resumed'])

/** Between which hosts a message went; undefined for what a host did alone. Names as the trace has them, or peer ids. */
export function messageOf({
  host,
  event,
  detail,
}: TraceEntry): { readonly from: string; readonly to: string } | undefined {
  if (TO_CA.has(event)) return { from: host, to: 'ca' }
  for (const [key, way] of OTHERS) {
    const other = detail[key]
    if (typeof other !== 'string') continue
    if (NO_MESSAGES.has(event) && key !== 'writer') return undefined
    const out = way === 'out' || ANSWERS.has(event)
    return out ? { from: host, to: other } : { from: other, to: host }
  }
  return undefined
}

const KIND_OF_PREFIX: Readonly<Record<string, Kind>> = {
  fault: 'faults',
  invariant: 'faults',
  phase: 'faults',
  proof: 'proofs',
  request: 'certificates',
  answer: 'certificates',
  certificate: 'certificates',
  order: 'certificates',
  renewal: 'certificates',
  budget: 'certificates',
  challenge: 'challenges',
  writer: 'challenges',
  dns: 'challenges',
  ca: 'CA',
  peer: 'discovery',
  announced: 'discovery',
  addresses: 'discovery',
  host: 'hosts',
  story: 'hosts',
  socket: 'hosts',
  visitor: 'hosts',
  browser: 'hosts',
}

export function kindOf(event: string): Kind {
  return KIND_OF_PREFIX[event.split(':')[0] ?? ''] ?? 'other'
}

/** Whether an event tells that something did not go as its host wanted. */
export function isBad(event: string): boolean {
  return /:(failed|refused|exhausted|expired|broken)$/.test(event)
}
