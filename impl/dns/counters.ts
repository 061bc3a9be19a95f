import { RCODE } from './records.ts'

/** Plain numbers, read by whoever makes metrics of them. An extended BADVERS counts as `badvers`. */
export class DnsCounters {
  queriesUdp = 0
  queriesTcp = 0
  /** Packets that got silence: not a query, or too short to be one. */
  ignored = 0
  /** Answers and connections over the bounds. */
  dropped = 0
  truncated = 0
  noerror = 0
  nxdomain = 0
  refused = 0
  formerr = 0
  notimp = 0
  badvers = 0

  /** Counts one packet by its response. */
  count(response: Uint8Array | undefined, transport: 'udp' | 'tcp'): void {
    if (transport === 'udp') this.queriesUdp += 1
    else this.queriesTcp += 1
    if (response === undefined) {
      this.ignored += 1
      return
    }
    const flags = response[2] ?? 0
    if ((flags & 2) !== 0) this.truncated += 1
    switch ((response[3] ?? 0) & 15) {
      case RCODE.NOERROR:
        // BADVERS has its upper bits in OPT, and is all that we answer without authority and without error.
        if ((flags & 4) === 0) this.badvers += 1
        else this.noerror += 1
        return
      case RCODE.NXDOMAIN:
        this.nxdomain += 1
        return
      case RCODE.REFUSED:
        this.refused += 1
        return
      case RCODE.FORMERR:
        this.formerr += 1
        return
      case RCODE.NOTIMP:
        this.notimp += 1
    }
  }
}
