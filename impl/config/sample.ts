import { ROLES, type Role } from './schema.ts'

/** A configuration to begin with: its text, and the keys that it names. */
export interface ConfigSample {
  readonly text: string
  /** File names of the keys, in the configuration's folder. */
  readonly keyFiles: readonly string[]
}

export interface ConfigSampleInit {
  readonly zone: string
  readonly roles: readonly Role[]
  /** Public addresses of the machine. @default one for documentation, to be replaced */
  readonly addresses?: readonly string[]
  /** Whether the operator agrees to the terms of service of the CA. @default false */
  readonly agreeToTerms?: boolean
}

/** RFC 5737: belongs to nobody. */
export const ADDRESS_FOR_DOCUMENTATION = '192.0.2.1'

/** Writes what `nodetrust config init` writes. With all roles, and the terms agreed to, it can be started as it is. */
export function configSample(init: ConfigSampleInit): ConfigSample {
  const roles = ROLES.filter((role) => init.roles.includes(role))
  const facts: Facts = {
    zone: init.zone,
    addresses: init.addresses,
    agreeToTerms: init.agreeToTerms ?? false,
    local: (role) => roles.includes(role),
  }
  const parts = roles.map((role) => SECTIONS[role](facts))
  return {
    text: [HEAD(init.zone), ...parts.map(({ text }) => text), TAIL].join('\n'),
    keyFiles: parts.flatMap(({ keyFiles }) => keyFiles),
  }
}

interface Facts {
  readonly zone: string
  readonly addresses: readonly string[] | undefined
  readonly agreeToTerms: boolean
  readonly local: (role: Role) => boolean
}

const SECTIONS: Readonly<Record<Role, (facts: Facts) => ConfigSample>> = {
  proof: proofSection,
  dns: dnsSection,
  issue: issueSection,
}

const HEAD = (zone: string): string => `\
# Servers of a nodetrust zone. Start them:    nodetrust serve all --config nodetrust.yaml
# Look for mistakes without starting them:   nodetrust config check --config nodetrust.yaml
# Files are relative to the folder of this file. Units are in the names of the keys.

# All names end in this domain; its parent delegates it to the name servers below.
zone: ${zone}

log:
  level: info # trace, debug, info, warn or error
  # format: json # json or text; without it text on a terminal, json elsewhere
`

const TAIL = `\
# Metrics for Prometheus, health, and what \`nodetrust status\` prints; without it there is no such port. Nothing that
# it shows is a secret, but it is for this machine and no other.
# http: { address: 127.0.0.1, port: 9465 }
`

function announceLines(addresses: readonly string[] | undefined, port: number): string {
  const comment = '  # What others are told to dial: the public addresses of this machine.'
  const known = addresses ?? [ADDRESS_FOR_DOCUMENTATION]
  const lines = known.map((address) => {
    const family = address.includes(':') ? 'ip6' : 'ip4'
    return `    - /${family}/${address}/tcp/${port}`
  })
  // Nobody can dial the example, whereas libp2p announces by itself what the machine has.
  const before = addresses === undefined ? '# ' : ''
  return [
    comment,
    ...['  announce:', ...lines].map((line) => line.replace(/^ {2}/, `  ${before}`)),
    '',
  ].join('\n')
}

function proofSection({ addresses }: Facts): ConfigSample {
  return {
    keyFiles: ['proof.key', 'proof-signing.key'],
    text: `\
# Tells every peer, signed, at which address it sees it.
proof:
  identityFile: proof.key
  # Signs the proofs. Its public half stands in issue.proofKeys of every issue server that believes them.
  # Without it the identity signs.
  proofKeyFile: proof-signing.key
  listen:
    - /ip4/0.0.0.0/tcp/4001
    - /ip6/::/tcp/4001
${announceLines(addresses, 4001)}  # What people call it; another name for each proof server of an issue server.
  display: proof-1
  # For each peer, and for each IPv4 address or IPv6 /64.
  rateLimit:
    burst: 20
    intervalMs: 3000
`,
  }
}

function dnsSection({ zone, addresses, local }: Facts): ConfigSample {
  const glue = addresses ?? [ADDRESS_FOR_DOCUMENTATION]
  const writers = local('issue')
    ? 'writers:\n    - local: true # the issue server in this file'
    : 'writers: [] # peer ids of issue servers, such as 12D3KooW…'
  return {
    keyFiles: ['dns.key'],
    text: `\
# Answers for the zone. More than one, on different networks, is what the parent zone expects.
dns:
  identityFile: dns.key
  # Where issue servers set challenges.
  listen:
    - /ip4/0.0.0.0/tcp/4002
    - /ip6/::/tcp/4002
  # Where queries are answered, on UDP and TCP. Name addresses if something else has port 53 on another.
  dnsListen:
    - address: 0.0.0.0
      port: 53
    - address: '::'
      port: 53
  # As the parent zone delegates to them, with the same addresses as its glue records.
  nameServers:
    - name: ns1.${zone}
      addresses: [${glue.map((address) => `'${address}'`).join(', ')}]
  # hostmaster: hostmaster@${zone}
  # Who may set challenges.
  ${writers}
  # Only this CA may certify names of the zone (RFC 8659).
  caa:
    - tag: issue
      value: letsencrypt.org
  # How long resolvers keep answers.
  ttlSeconds:
    names: 36000
    apex: 3600
    challenge: 0
    negative: 10
`,
  }
}

function issueSection({ addresses, agreeToTerms, local }: Facts): ConfigSample {
  const proofServers = local('proof')
    ? `proofServers:
    - local: true # the proof server in this file
    # - id: 12D3KooW…
    #   addresses: [/dns4/proof.example.org/tcp/4001]
    #   display: proof-2
  # Public keys of proof servers elsewhere; \`nodetrust config check\` prints them there.
  # proofKeys: [CAES…]`
    : `proofServers: []
    # - id: 12D3KooW…
    #   addresses: [/dns4/proof.example.org/tcp/4001]
    #   display: proof-1
  # The public key of each proof server; \`nodetrust config check\` prints it there.
  proofKeys: [] # CAES…`
  const dnsServers = local('dns')
    ? `dnsServers:
    - local: true # the DNS server in this file
    # - addresses: [/ip4/198.51.100.2/tcp/4002/p2p/12D3KooW…]
    #   query: { address: 198.51.100.2, port: 53 }`
    : `dnsServers: []
    # - addresses: [/ip4/198.51.100.2/tcp/4002/p2p/12D3KooW…]
    #   query: { address: 198.51.100.2, port: 53 }`
  return {
    keyFiles: ['issue.key'],
    text: `\
# Has certificates made for peers that prove their addresses.
issue:
  identityFile: issue.key
  listen:
    - /ip4/0.0.0.0/tcp/4003
    - /ip6/::/tcp/4003
${announceLines(addresses, 4003)}  # Where clients get their proofs. Their keys are believed.
  ${proofServers}
  # All DNS servers of the zone: challenges are set on each.
  ${dnsServers}
  acme:
    # letsencrypt, letsencrypt-staging, or the URL of a directory. Staging gives certificates that no browser
    # trusts and has generous limits: begin with it.
    directoryUrl: letsencrypt-staging
    # certificateAuthorityFile: ca.pem # what the CA's own HTTPS certificate is checked with
    contacts: [] # mail addresses
    # externalAccount: { kid: …, hmacKeyFile: hmac.key } # where the CA wants one
    # By true you agree to the CA's terms of service: https://letsencrypt.org/repository/
    termsOfServiceAgreed: ${agreeToTerms}
    # profile: shortlived
  # The CA's account, orders and certificates; made when missing. Keep it: CAs limit how often one may ask anew.
  storePath: issue.sqlite
  # Certify private addresses too, for tests.
  allowPrivateAddresses: false
  orderTimeoutMs: 120000
  # For each peer, and for each IPv4 address or IPv6 /64.
  rateLimit:
    burst: 20
    intervalMs: 3000
  # Peer ids, addresses and networks that get nothing, one a line; read again when it changes. Proof servers take one
  # likewise.
  # denyListFile: denied.txt
  # The CA's limits, kept here so that they are never reached there. Without this they are those of the CA above, if
  # it is one of Let's Encrypt's, and none otherwise.
  # budgets: # or: letsencrypt, letsencrypt-staging, none
  #   certificatesPerDomain: { count: 500, periodMs: 604800000 } # where the CA has granted more
  #   zoneIsPublicSuffix: true # once the zone is on the Public Suffix List
`,
  }
}
