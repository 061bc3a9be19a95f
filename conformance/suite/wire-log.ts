/** Keeps what went over the network, so that a verdict can be disputed with evidence. */
export interface WireLog {
  record(entry: WireEntry): void
}

export interface WireEntry {
  /** Seen from the suite. */
  readonly direction: 'sent' | 'received'
  /** Such as `udp 127.0.0.1:53`, or a protocol id and a peer id. */
  readonly channel: string
  readonly bytes: Uint8Array
  /** What it is, in a few words, or how it ended: `reset`, `closed`. */
  readonly note?: string
}
