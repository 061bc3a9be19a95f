// What is announced to a client under test, right and wrong: each speech by a peer of its own.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Utterance } from '../../players/played-gossip.ts'
import { Announce, TOPICS } from '../../wire/index.ts'

/** Who announces itself. */
export interface Speaker {
  readonly key: PrivateKey
  readonly peerId: string
}

/** A message; by default signed, and on the topic that is deployed. */
export type Said = Partial<Omit<Utterance, 'key'>> & { readonly data: Uint8Array }

/** What each speaker says, by a word that cases use. */
export const SPEECHES = {
  good: ({ peerId }: Speaker) => [said([good(peerId)])],
  'other-topic': ({ peerId }: Speaker) => [
    { ...said([good(peerId)]), topic: TOPICS.specification },
  ],
  legacy: ({ peerId }: Speaker) => [
    said([`/dnsaddr/ip41-2-3-4.nt.example/tcp/4002/wss/p2p/${peerId}`]),
  ],
  'legacy-ip6': ({ peerId }: Speaker) => [
    said([`/dnsaddr/ip62606-4700--7.nt.example/tcp/4002/wss/p2p/${peerId}`]),
  ],
  foreign: ({ peerId }: Speaker) => [said([good(STRANGER), good(peerId)])],
  'foreign-only': () => [said([good(STRANGER)])],
  unsigned: ({ peerId }: Speaker) => [{ ...said([good(peerId)]), signature: 'absent' }],
  spoilt: ({ peerId }: Speaker) => [{ ...said([good(peerId)]), signature: 'spoilt' }],
  nonsense: () => [
    { data: Uint8Array.of(0xff, 0xff, 0xff) },
    { data: Uint8Array.of(0x0a, 0x7f, 1) },
  ],
  empty: () => [{ data: new Uint8Array(0) }],
  framed: ({ peerId }: Speaker) => {
    const { data } = said([good(peerId)])
    return [{ data: Uint8Array.from([data.length, ...data]) }]
  },
  'broken-among-good': ({ peerId }: Speaker) => [
    {
      data: Announce.encode({
        addr: [
          Uint8Array.of(0xff, 0xff, 0x03),
          multiaddr(good(peerId)).bytes,
          Uint8Array.of(0x04, 1),
          new Uint8Array(0),
        ],
      }),
    },
  ],
  many: ({ peerId }: Speaker) => [
    said(
      Array.from(
        { length: 20 },
        (_, index) => `/dns4/ip41-2-3-${index + 1}.nt.example/tcp/4002/tls/ws/p2p/${peerId}`,
      ),
    ),
  ],
  'too-long': ({ peerId }: Speaker) => [
    {
      data: Uint8Array.from([...said([good(peerId)]).data, ...filling(4_096)]),
    },
  ],
  private: ({ peerId }: Speaker) => [
    said([
      `/ip4/10.1.2.3/tcp/4002/ws/p2p/${peerId}`,
      `/dns4/ip4192-168-1-1.nt.example/tcp/4002/tls/ws/p2p/${peerId}`,
    ]),
  ],
  repeated: ({ peerId }: Speaker) => Array.from({ length: 10 }, () => said([good(peerId)])),
} satisfies Readonly<Record<string, (speaker: Speaker) => readonly Said[]>>
export type Speech = keyof typeof SPEECHES

/** Of whom nobody speaks. */
export const STRANGER = '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
/** What is in it counts for somebody far away: nobody is dialled. */
export function good(peerId: string): string {
  return `/dns4/ip41-2-3-4.nt.example/tcp/4002/tls/ws/p2p/${peerId}`
}

export function said(addresses: readonly string[]): { readonly data: Uint8Array } {
  return { data: Announce.encode({ addr: addresses.map((text) => multiaddr(text).bytes) }) }
}

/** A field that nobody knows, of so many bytes. */
function filling(length: number): Uint8Array {
  return Uint8Array.from([0x7a, 0x80, length >> 7, ...new Uint8Array(length)])
}

/** Of whom nobody has heard. */
export async function makeSpeaker(): Promise<Speaker> {
  const key = await generateKeyPair('Ed25519')
  return { key, peerId: peerIdFromPrivateKey(key).toString() }
}
