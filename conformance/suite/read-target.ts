import { privateKeyFromProtobuf, publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { z } from 'zod'
import { CAPABILITIES, KEY_TYPES, type Capability } from './case.ts'
import { checkJson, readJson, SECRET } from './problems.ts'
import type { Target } from './target.ts'

/**
 * Reads a target file.
 * @throws {UsageError} with every mistake in it
 */
export async function readTarget(file: string): Promise<Target> {
  return (await readJson(file, targetSchema)) satisfies Target
}

/** Likewise, for text that was read already. */
export function parseTarget(text: string, name: string): Target {
  return checkJson(text, { name, schema: targetSchema })
}

const PORT = 'a port from 1 to 65535'
/** Checks ask every one: of more a run would never end. */
const SERVERS_MAX = 16
const ADDRESSES_MAX = 16
const ROOTS_MAX = 16

/** A list with so many entries; `wanted` says what they are. */
function list<Entry extends z.ZodType>(
  entry: Entry,
  wanted: string,
  { min = 0, max }: { readonly min?: number; readonly max: number },
) {
  return z
    .array(entry, { error: wanted })
    .min(min, { error: `${wanted}, at least ${min}` })
    .max(max, { error: `${wanted}, at most ${max}` })
}

const dnsTarget = object({
  address: text('an IP address', (found) => isIP(found) !== 0),
  port: z.int({ error: PORT }).min(1, { error: PORT }).max(65_535, { error: PORT }),
})

const peerAddresses = list(
  text('a multiaddr that ends in /p2p/<peer id>', (found) => lastComponent(found) === 'p2p'),
  'a list of multiaddrs that end in /p2p/<peer id>',
  { min: 1, max: ADDRESSES_MAX },
)

const listenAddresses = list(
  text('a multiaddr to listen on, such as /ip4/203.0.113.5/tcp/4001, without /p2p', (found) => {
    const last = lastComponent(found)
    return last !== undefined && last !== 'p2p'
  }),
  'a list of multiaddrs',
  { min: 1, max: ADDRESSES_MAX },
)

const privateKey = text(
  'a libp2p private key (protobuf) in base64, as `prepare` makes it',
  (found) => privateKeyFromProtobuf(Buffer.from(found, 'base64')) !== undefined,
  SECRET,
)

const publicKey = text(
  'a libp2p public key (protobuf) in base64',
  (found) => publicKeyFromProtobuf(Buffer.from(found, 'base64')) !== undefined,
  // Somebody may have put the private one here.
  SECRET,
)

const pem = text('a certificate in PEM', (found) => found.includes('-----BEGIN CERTIFICATE-----'))

const directoryUrl = text('an https URL', (found) => new URL(found).protocol === 'https:')

const targetSchema = object({
  name: text('a name for reports of 1 to 64 characters, none of them a control', (found) =>
    /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,64}$/u.test(found),
  ),
  zone: text(
    'a domain name in lower case without a dot at its ends, such as nt.example.org',
    (found) =>
      found.length <= 253 && /^([a-z0-9_]([a-z0-9_-]{0,62})\.)*[a-z0-9-]{1,63}$/.test(found),
  ),
  capabilities: list(
    z.enum(CAPABILITIES, { error: `one of ${CAPABILITIES.join(', ')}` }),
    `a list of ${CAPABILITIES.join(', ')}`,
    { max: CAPABILITIES.length },
  ),
  keyTypes: list(
    z.enum(KEY_TYPES, { error: `one of ${KEY_TYPES.join(', ')}` }),
    `a list of ${KEY_TYPES.join(', ')}`,
    { max: KEY_TYPES.length },
  )
    .refine((types) => types.includes('Ed25519'), {
      error: 'Ed25519 in the list: it is what the suite calls with',
    })
    .exactOptional(),
  dns: list(dnsTarget, 'a list of {address, port}; empty without DNS servers', {
    max: SERVERS_MAX,
  }),
  dns01: object({
    addresses: peerAddresses,
    writerKey: privateKey.exactOptional(),
  }).exactOptional(),
  proof: list(
    object({ addresses: peerAddresses, proofKey: publicKey.exactOptional() }),
    'a list of {addresses, proofKey}; empty without proof servers',
    { max: SERVERS_MAX },
  ),
  issue: object({ addresses: peerAddresses }).exactOptional(),
  acme: object({
    directoryUrl,
    roots: list(pem, 'a list of certificates in PEM', { max: ROOTS_MAX }),
  }).exactOptional(),
  players: object({
    acme: object({
      listen: dnsTarget,
      certificate: pem,
      privateKey: text(
        'a private key in PEM',
        (found) => found.includes('-----BEGIN PRIVATE KEY-----'),
        SECRET,
      ),
      upstream: object({ directoryUrl, certificateAuthority: pem.exactOptional() }),
    }).exactOptional(),
    proofKey: privateKey.exactOptional(),
    dns: object({
      peerKey: privateKey,
      listen: listenAddresses,
      dns: dnsTarget,
      only: z
        .literal(true, { error: 'true, where the issue server writes to no other DNS server' })
        .exactOptional(),
    }).exactOptional(),
  }).exactOptional(),
}).superRefine((target, context) => {
  if (target.issue !== undefined && target.acme === undefined) {
    context.addIssue({
      code: 'custom',
      path: ['acme'],
      message:
        'the CA of the issue server: checks have certificates made, and no CA shall be surprised',
    })
  }
  for (const [index, capability] of target.capabilities.entries()) {
    const lacking = NEEDED_PARTS[capability]?.(target)
    if (lacking === undefined) continue
    context.addIssue({
      code: 'custom',
      path: ['capabilities', index],
      message: `${lacking} in the file as well`,
    })
  }
})

/** What a capability cannot be used without. */
const NEEDED_PARTS: Readonly<Partial<Record<Capability, (target: Target) => string | undefined>>> =
  {
    'played-proof-server': ({ players }) =>
      players?.proofKey === undefined ? '"players.proofKey"' : undefined,
    'played-dns-server': ({ players }) =>
      players?.dns === undefined ? '"players.dns"' : undefined,
    'played-ca': ({ players }) => (players?.acme === undefined ? '"players.acme"' : undefined),
    'dns-writer': ({ dns01 }) => (dns01?.writerKey === undefined ? '"dns01.writerKey"' : undefined),
    'dns01-remove': ({ dns01 }) => (dns01 === undefined ? '"dns01"' : undefined),
    csr: ({ issue }) => (issue === undefined ? '"issue"' : undefined),
  }

/** Known keys only: a misspelt one must not silently mean that something is missing. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? keys : `an object with ${keys}`),
  })
}

function text(wanted: string, accepts: (found: string) => boolean, params = {}) {
  return z.string({ error: wanted }).superRefine((found, context) => {
    let accepted = false
    try {
      accepted = accepts(found)
    } catch {
      // What cannot be parsed is not accepted.
    }
    if (!accepted) context.addIssue({ code: 'custom', message: wanted, params })
  })
}

function lastComponent(found: string): string | undefined {
  return found.startsWith('/') ? multiaddr(found).getComponents().at(-1)?.name : undefined
}
