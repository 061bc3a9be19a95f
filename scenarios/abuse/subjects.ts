import { abandonStreams } from './abandon-attack.ts'
import { attackAnnouncements } from './announcement-attack.ts'
import { attackTcp, attackTcpFraming, attackUdp } from './dns-attack.ts'
import { attackFrames } from './frame-attack.ts'
import { FRAME_KINDS, type FrameKind } from './frames.ts'
import { besiege } from './slow-attack.ts'
import type { Subject } from './subject.ts'

const FRAMES = {
  unit: 'frames',
  amount: { long: 100_000, polite: 6_000, short: 64 },
} as const

/** Every kind of abuse. DNS packets are a million in all. */
export const SUBJECTS: readonly Subject[] = [
  {
    name: 'dns-udp',
    title: 'random and mutated DNS packets over UDP',
    unit: 'packets',
    amount: { long: 700_000, polite: 150_000, short: 3_000 },
    attack: attackUdp,
  },
  {
    name: 'dns-tcp',
    title: 'random and mutated DNS packets over TCP',
    unit: 'packets',
    amount: { long: 290_000, polite: 100_000, short: 3_000 },
    attack: attackTcp,
  },
  {
    name: 'dns-tcp-framing',
    title: 'TCP connections whose bytes are no DNS frames',
    unit: 'connections',
    amount: { long: 10_000, polite: 4_000, short: 64 },
    attack: attackTcpFraming,
  },
  ...Object.entries(FRAME_KINDS).map(([name, kind]: [string, FrameKind]): Subject => ({
    name: name.replace('/', '-'),
    title: `mutated frames on ${kind.protocol}`,
    ...FRAMES,
    attack: (attack) => attackFrames(kind, serverOf(name, attack.places), attack),
  })),
  {
    name: 'announcements',
    title: 'mutated announcements over gossipsub',
    ...FRAMES,
    unit: 'messages',
    attack: attackAnnouncements,
  },
  {
    name: 'abandoned-streams',
    title: 'streams that are opened and abandoned',
    unit: 'streams',
    amount: { long: 10_000, polite: 3_000, short: 64 },
    attack: abandonStreams,
  },
  {
    name: 'slow-peers',
    title: 'slow peers at once',
    unit: 'peers',
    amount: { long: 10_000, short: 100 },
    attack: besiege,
  },
]

function serverOf(
  name: string,
  { dns, issue, proof }: { readonly dns: string; readonly issue: string; readonly proof: string },
): string {
  if (name === 'proof') return proof
  return name.startsWith('dns') ? dns : issue
}
