import { ATTACKS } from '../engine/simulated-faults.ts'
import type { TraceEntry } from '../engine/trace.ts'
import { AHEAD_MS_MIN } from './draw-clock.ts'

/** Something that must happen in at least one world of a campaign: else the campaign has shown less than it seems. */
export interface Sometimes {
  readonly name: string
  readonly isMet: (entry: TraceEntry) => boolean
}

const happens =
  (event: string, detail: Readonly<Record<string, unknown>> = {}): Sometimes['isMet'] =>
  (entry) =>
    entry.event === event &&
    Object.entries(detail).every(([key, value]) => entry.detail[key] === value)

const says =
  (event: string, words: RegExp): Sometimes['isMet'] =>
  (entry) =>
    entry.event === event && words.test(String(entry.detail['reason']))

const caAnswers =
  (status: number): Sometimes['isMet'] =>
  (entry) =>
    entry.event === 'ca:request' && entry.detail['status'] === status

const caIs =
  (effect: string): Sometimes['isMet'] =>
  (entry) =>
    entry.event === 'ca:request' && entry.detail['effect'] === effect

const kinds =
  'partition ring latency bandwidth stall reset datagrams refuse hang crash deny move clock sleep disk disturb pause kill lie lag attack scribble isolate half-close no-route firewall rebind'

/** What a fault of one kind can be, and is drawn to be. */
const VARIANTS: readonly (readonly [kind: string, word: string, values: readonly unknown[]])[] = [
  ['partition', 'direction', ['both', 'out', 'in']],
  ['reset', 'when', ['now', 'handshake', 'after']],
  ['datagrams', 'lengthMax', [512, 1_232]],
  ['crash', 'disk', ['kept', 'torn', 'lost']],
  ['crash', 'powerCut', [true, false]],
  ['disk', 'problem', ['full', 'read-only']],
  ['attack', 'act', ATTACKS],
  ['firewall', 'policy', ['drop', 'refuse']],
  ['rebind', 'address', ['kept', 'new']],
]

const RATES = ['lossRate', 'duplicateRate', 'reorderRate', 'corruptRate'] as const
const NATS = ['full-cone', 'restricted', 'port-restricted', 'symmetric'] as const

/** All of them, for campaigns to say which they never met. */
export const SOMETIMES: readonly Sometimes[] = [
  ...kinds.split(' ').map((kind) => ({
    name: `the fault "${kind}" happens`,
    isMet: happens(`fault:${kind}`),
  })),
  ...VARIANTS.flatMap(([kind, word, values]) =>
    values.map((value) => ({
      name: `the fault "${kind}" happens with ${word} ${String(value)}`,
      isMet: happens(`fault:${kind}`, { [word]: value }),
    })),
  ),
  ...RATES.map((rate) => ({
    name: `the fault "datagrams" happens with a ${rate}`,
    isMet: ({ event, detail }: TraceEntry) =>
      event === 'fault:datagrams' && Number(detail[rate]) > 0,
  })),
  ...['proof', 'dns'].map((role) => ({
    name: `a ${role} server lies`,
    isMet: ({ event, host }: TraceEntry) => event === 'fault:lie' && host.startsWith(role),
  })),
  {
    name: 'the clock of a client is ahead by more than its certificate lives',
    isMet: ({ event, host, detail }: TraceEntry) =>
      event === 'fault:clock' &&
      host.startsWith('client') &&
      Number(detail['offsetMs']) >= AHEAD_MS_MIN,
  },
  ...NATS.map((nat) => ({
    name: `a client is behind a ${nat} NAT`,
    isMet: happens('host:started', { nat }),
  })),
  ...[true, false].map((forwarded) => ({
    name: `a client is behind a NAT ${forwarded ? 'with' : 'without'} a forwarded port`,
    isMet: happens('host:started', { forwarded }),
  })),
  ...['open', 'closed'].map((firewall) => ({
    name: `a client is behind a firewall that is ${firewall}`,
    isMet: happens('host:started', { firewall }),
  })),
  { name: 'a client obtains a certificate', isMet: happens('certificate:obtained') },
  { name: 'a client gets a new certificate', isMet: happens('certificate:renewed') },
  { name: 'a client fails to get one', isMet: happens('certificate:failed') },
  {
    name: 'a client has its certificate of before its restart',
    isMet: happens('certificate:obtained', { fromStore: true }),
  },
  { name: 'an order is taken up again after a crash', isMet: happens('order:resumed') },
  { name: 'an order fails', isMet: happens('order:failed') },
  { name: 'a request is refused for its proofs', isMet: happens('request:refused', { code: 2 }) },
  {
    name: "a request is refused for the CA's limits",
    isMet: happens('request:refused', { code: 1 }),
  },
  { name: 'a disk has no room for a store', isMet: says('request:refused', /full|readonly/) },
  { name: 'a challenge cannot be set', isMet: happens('challenge:failed') },
  {
    name: 'a challenge cannot be removed when its order ends',
    isMet: says('challenge:failed', /^not removed yet/),
  },
  { name: 'the CA pauses the issue server', isMet: happens('ca:paused') },
  { name: 'the CA answers 429', isMet: caAnswers(429) },
  { name: 'the CA answers 503', isMet: caAnswers(503) },
  { name: 'the CA refuses a request', isMet: caAnswers(400) },
  { name: 'the CA is slow', isMet: caIs('delay') },
  { name: 'the CA breaks off', isMet: caIs('reset') },
  { name: 'a request comes twice to the CA', isMet: caIs('duplicate') },
  { name: 'a writer is refused', isMet: happens('writer:refused') },
  { name: 'an attacker is answered', isMet: happens('answer:received') },
  { name: 'a proof server cannot be had', isMet: happens('proof:failed') },
]

/** Which of them were met. */
export function metIn(entries: readonly TraceEntry[]): string[] {
  const left = new Set(SOMETIMES)
  for (const entry of entries) {
    for (const sometimes of left) if (sometimes.isMet(entry)) left.delete(sometimes)
  }
  return SOMETIMES.filter((sometimes) => !left.has(sometimes)).map(({ name }) => name)
}
