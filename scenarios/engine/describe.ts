import type { TraceEntry } from './trace.ts'

/** How an event is told: its details as text, peer ids as the names of their hosts. */
type Sentence = (detail: (key: string) => string) => string | undefined

/** Longest label that is shown whole; an id0 label has 53 characters or more. */
const LABEL_LENGTH_SHOWN_MAX = 45

/** Events that are not here are for machines (`--json`). */
const SENTENCES: Readonly<Record<string, Sentence>> = {
  'host:started': (of) => `is up at ${of('addresses')}`,
  'host:stopped': () => 'is down',
  'ca:ready': (of) => of('description'),
  'socket:looked-at': (of) =>
    of('serial') === ''
      ? `no TLS handshake with it: ${of('problem')}`
      : `its socket shows the certificate ${of('serial')}`,
  'visitor:connected': (of) => `is visited over the certificate ${of('serial')}`,
  'visitor:asked': (of) =>
    of('problem') === '' ? 'answers its visitor' : `its visitor finds: ${of('problem')}`,
  'dns:asked': (of) => `answers for ${of('name')}: ${of('values') || 'nothing'}`,
  'story:step': (of) => of('text'),
  'ca:request': (of) =>
    of('effect') === ''
      ? undefined
      : `${of('via')}: a request about its ${of('resource')} meets with: ${of('effect')}`,
  'ca:renewal-wanted': () => 'wants all certificates renewed now',
  'fault:refuse': () => 'FAULT: refuses connections',
  'fault:hang': () => 'FAULT: takes connections and says nothing',
  'fault:kill': () => 'FAULT: is killed',
  'fault:crash': () => 'FAULT: crashes',
  'fault:pause': () => 'FAULT: accepts requests and answers none',
  'fault:disturb': () => 'FAULT: its requests are disturbed',
  'fault:isolate': () => 'FAULT: is cut off from the network',
  'fault:move': () => 'FAULT: loses its addresses',
  'fault:rebind': () => 'FAULT: its router forgets all connections',
  'fault:firewall': () => 'FAULT: its firewall lets nobody in',
  'host:moved': (of) => `is at ${of('addresses')} now`,
  'fault:healed': () => 'is healed',
  'fault:failed': (of) => `a fault could not be carried out: ${of('reason')}`,
  'proof:signed': (of) => `proves that ${of('peer')} is at ${of('addresses')}`,
  'proof:refused': (of) => `refuses ${of('peer')} a proof (${of('code')}): ${of('reason')}`,
  'proof:received': (of) => `has a proof of ${of('server')} for ${of('addresses')}`,
  'proof:failed': (of) => `has no proof of ${of('server')}: ${of('reason')}`,
  'request:received': (of) => `is asked for a certificate by ${of('peer')}`,
  'request:refused': (of) => `refuses ${of('peer')} (${of('code')}): ${of('reason')}`,
  'answer:received': (of) => `is answered with error ${of('error')}`,
  'order:created': (of) => `orders ${of('names')}`,
  'order:resumed': (of) => `takes up the order for ${of('names')} again`,
  'order:failed': (of) => `could not finish an order: ${of('reason')}`,
  // The DNS server tells the value, the issue server on which server it has set it.
  'challenge:set': (of) =>
    of('server') === ''
      ? `serves a challenge for ${of('name')}`
      : `has set the challenge for ${of('name')} on ${of('server')}`,
  'budget:exhausted': (of) => `has nothing left of the CA's ${of('budget')}`,
  'ca:paused': (of) => `leaves the CA alone for a while: ${of('reason')}`,
  'challenge:failed': (of) =>
    `could not set the challenge for ${of('name')} on ${of('server')}: ${of('reason')}`,
  'challenge:removed': (of) =>
    of('server') === '' ? `no longer serves the challenge for ${of('name')}` : undefined,
  'writer:refused': (of) => `lets ${of('writer')} write nothing (${of('code')}): ${of('reason')}`,
  'certificate:issued': (of) =>
    `gives ${of('peer')} a certificate for ${of('names')}${of('fromCache') === 'true' ? ', from its store' : ''}`,
  'renewal:suggested': (of) => `hears from the CA when ${of('peer')} should renew`,
  'certificate:obtained': (of) => `has its certificate for ${of('names')}`,
  'certificate:renewed': (of) => `has a new certificate for ${of('names')}`,
  'certificate:failed': (of) => `got no certificate: ${of('reason')}`,
  'certificate:expired': (of) => `its certificate for ${of('names')} has expired`,
  'renewal:advised': () => 'is told when to renew',
  'addresses:changed': (of) => (of('addresses') === '' ? undefined : `serves ${of('addresses')}`),
  'browser:opened': (of) => `opens the page in ${of('description')} and ${of('roots')}`,
  'browser:dialled': (of) => `is connected to ${of('peer')} after ${of('dialMs')} ms`,
  'browser:certificate': (of) => `has verified a certificate for ${of('names')}`,
  'browser:pinged': (of) => `has its ping back from ${of('peer')} after ${of('roundTripMs')} ms`,
  'browser:heard': (of) => `hears ${of('peer')} announce ${of('address')}`,
  'browser:refused': (of) => `refuses the connection: ${of('code')}`,
  'browser:failed': (of) => `its page could not go on: ${of('reason')}`,
  'browser:pictured': (of) => `is pictured in ${of('file')}`,
  'peer:heard': (of) => `is heard announcing ${of('address')}`,
}

/** One line of a timeline, or `undefined` for an event that people need not read. */
export function describe(
  entry: TraceEntry,
  hostOf: (peerId: string) => string,
): string | undefined {
  const text = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(text).join(', ')
    if (typeof value === 'string') return shortened(named(value))
    return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
  }
  const named = (value: string): string =>
    value.replaceAll(/\b(?:12D3Koo|16Uiu2HA|Qm)[1-9A-HJ-NP-Za-km-z]{37,}/g, hostOf)
  return SENTENCES[entry.event]?.((key) => text(entry.detail[key]))
}

function shortened(value: string): string {
  return value.replaceAll(/[a-z0-9]+/gi, (label) =>
    label.length > LABEL_LENGTH_SHOWN_MAX ? `${label.slice(0, 12)}…${label.slice(-6)}` : label,
  )
}
