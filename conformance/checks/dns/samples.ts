// Names whose answers are known without any server: by PROTOCOL.md, section 4. A static zone that holds them can be
// checked like a server that computes them.

/** A label directly below the zone, and the one record that it stands for, as `readMessage` shows it. */
export interface Sample {
  readonly label: string
  readonly text: string
}

export const IP4_SAMPLES: readonly Sample[] = [
  { label: 'ip4203-0-113-7', text: '203.0.113.7' },
  { label: 'ip4127-0-0-1', text: '127.0.0.1' },
  { label: 'ip40-0-0-0', text: '0.0.0.0' },
  { label: 'ip4255-255-255-255', text: '255.255.255.255' },
  { label: 'ip41-20-103-9', text: '1.20.103.9' },
  { label: 'ip4198-51-100-100', text: '198.51.100.100' },
]

/** As the encoder writes them, NT-DNS-012 and NT-DNS-013. */
export const IP6_SAMPLES: readonly Sample[] = [
  { label: 'ip62001-db8--1', text: '2001:db8:0:0:0:0:0:1' },
  { label: 'ip6--1', text: '0:0:0:0:0:0:0:1' },
  { label: 'ip62001-db8-0-1-1-1-1-1', text: '2001:db8:0:1:1:1:1:1' },
  { label: 'ip6fe80--1234-abcd', text: 'fe80:0:0:0:0:0:1234:abcd' },
  {
    label: 'ip6ffff-ffff-ffff-ffff-ffff-ffff-ffff-ffff',
    text: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  },
  // A mapped address in such a label stays IPv6: the name's record holds what the name says.
  { label: 'ip6--ffff-cb00-7107', text: '0:0:0:0:0:ffff:cb00:7107' },
]

/** Addresses whose text ends in a colon: a zero stands after the hyphens. */
export const IP6_ZERO_SAMPLES: readonly Sample[] = [
  { label: 'ip62001-db8--0', text: '2001:db8:0:0:0:0:0:0' },
  { label: 'ip6--0', text: '0:0:0:0:0:0:0:0' },
]

/** What a lenient decoder reads as well (NT-DNS-014). */
export const IP6_LENIENT_SAMPLES: readonly Sample[] = [
  { label: 'ip62001-db8--', text: '2001:db8:0:0:0:0:0:0' },
  { label: 'ip6--', text: '0:0:0:0:0:0:0:0' },
  { label: 'ip62001-db8-0-0-0-0-0-1', text: '2001:db8:0:0:0:0:0:1' },
  { label: 'ip62001-0db8-0000-0000-0000-0000-0000-0001', text: '2001:db8:0:0:0:0:0:1' },
]

/** Peer ids (NT-DNS-020, NT-DNS-022): the specification's own example is sha2-256 of an RSA key, the others are keys. */
export const ID0_SAMPLES: Readonly<Record<'rsa' | 'ed25519' | 'secp256k1', Sample>> = {
  rsa: {
    label: 'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8',
    text: '"id=QmfVDYD9Du7fNR4DKooPXZnRUoArR3FBRR3udbhZAT9m2H"',
  },
  ed25519: {
    label: 'pamvv6akrdswr30dcmy8al2td3s85su1ptosw2qkojvrgie9lbdcpivzm3y',
    text: '"id=12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7"',
  },
  secp256k1: {
    label: 'pacudguj28xcky409br3f6zqiexallfld47eymt290be6tjd589on4kobx0qf',
    text: '"id=16Uiu2HAm648CViiosWmhs56tBkFSSoChXPXjBQ846GQim49EAPaU"',
  },
}

/** Exists in every zone that can be checked. */
export const EXISTING_LABEL = 'ip4203-0-113-7'
/** Exists in none. */
export const MISSING_LABEL = 'no-such-name'
