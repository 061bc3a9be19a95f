import type { Target } from '../suite/target.ts'

/** Who explains a check before there is a target needs addresses all the same: these are for documentation (RFC 5737). */
export const EXAMPLE_TARGET: Target = {
  name: 'example',
  zone: 'nt.example.org',
  capabilities: [],
  dns: [{ address: '192.0.2.53', port: 53 }],
  dns01: { addresses: [`/ip4/192.0.2.53/tcp/4002/p2p/${peerId('dns')}`] },
  proof: [{ addresses: [`/ip4/192.0.2.1/tcp/4001/p2p/${peerId('proof')}`] }],
  issue: { addresses: [`/ip4/192.0.2.3/tcp/4003/p2p/${peerId('issue')}`] },
}

/** Ed25519 peer ids of nobody, which stay the same. */
function peerId(of: 'dns' | 'proof' | 'issue'): string {
  switch (of) {
    case 'dns':
      return '12D3KooWSEAvMtpEvWCS4QznrncL8coCmUCxkHduK6numCkS8US2'
    case 'proof':
      return '12D3KooWP4LYQSU19CvuzapAVxScgfHSCkiGcRrWUd5HRvZK9V9f'
    case 'issue':
      return '12D3KooW9yB6PiVErsppULoWHqQtiybTwb7vhEofDVax82iC4oAa'
  }
}
