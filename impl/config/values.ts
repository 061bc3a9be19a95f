import type { PeerId, PrivateKey, PublicKey } from '@libp2p/interface'
import { privateKeyFromProtobuf, publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { TCP, WebSockets } from '@multiformats/multiaddr-matcher'
import { z } from 'zod'
import { readDenyFile } from '../denied/index.ts'
import { decodeBase64, parseKey } from '../keys.ts'
import { parseAddress } from '../wire/addresses.ts'
import { parseZone } from '../wire/names.ts'

// The values that a configuration is made of. The message of every issue is what was wanted; what was found is put
// before it where the problem is told, except where it might be a secret.

/** What a value of the configuration needs of the world outside of it. */
export interface ConfigFiles {
  /** A path in the configuration, which is relative to the configuration's own folder. */
  resolve(path: string): string
  /** @throws {Error} that says what is wrong with the file. */
  key(path: string): Promise<PrivateKey>
  /** Text of a file, which is a secret or is not. @throws likewise */
  text(path: string, options: { readonly secret: boolean }): Promise<string>
}

/** Marks an issue whose message is the whole truth: the value is not shown. */
export const WHOLE_MESSAGE = { wholeMessage: true }

/** A value that `read` understands; it returns undefined, or throws, for all others. */
export function value<T>(
  wanted: string,
  read: (input: unknown) => T | undefined,
  options: { readonly secret?: boolean } = {},
) {
  return z.unknown().transform((input, context): T => {
    const result = attempt(() => read(input))
    if (result !== undefined) return result
    if (options.secret === true && input != null) {
      return refuse(context, `wanted ${wanted}`, WHOLE_MESSAGE)
    }
    return refuse(context, wanted)
  })
}

/** A section: known keys only, so that a misspelt one cannot silently mean its default. */
export function section<Shape extends z.core.$ZodLooseShape>(wanted: string, shape: Shape) {
  return z.strictObject(shape, {
    // For unknown keys the message is the list of those that are known.
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : wanted),
  })
}

/** At least one of something. */
export function some<Item extends z.core.SomeType>(wanted: string, item: Item) {
  return z.array(item, { error: wanted }).min(1, { error: wanted })
}

/** `{ local: true }` for what the same file describes, or its complete description. */
export function localOr<Remote extends z.ZodType>(remote: Remote, wanted: string) {
  const local = section('local: true', {
    local: z.literal(true, { error: 'true (leave the key out for a server elsewhere)' }),
  })
  return z.unknown().transform(async (input, context): Promise<Local | z.output<Remote>> => {
    const isObject = typeof input === 'object' && input !== null
    if (!isObject && typeof input !== 'string') return refuse(context, wanted)
    const schema = isObject && 'local' in input ? local : remote
    const result = await schema.safeParseAsync(input)
    if (result.success) return result.data as Local | z.output<Remote>
    for (const issue of result.error.issues) context.issues.push({ ...issue, input } as never)
    return z.NEVER
  })
}

/** One of some words, or a section. */
export function wordOr<Word extends string, Section extends z.ZodType>(
  words: readonly Word[],
  section: Section,
  wanted: string,
) {
  return z.unknown().transform(async (input, context): Promise<Word | z.output<Section>> => {
    if (typeof input !== 'object' || input === null) {
      return words.find((word) => word === input) ?? refuse(context, wanted)
    }
    const result = await section.safeParseAsync(input)
    if (result.success) return result.data
    for (const issue of result.error.issues) context.issues.push({ ...issue, input } as never)
    return z.NEVER
  })
}

export interface Local {
  readonly local: true
}

/** Whether an entry means the server that the same file describes. */
export function isLocal(entry: unknown): entry is Local {
  return typeof entry === 'object' && entry !== null && 'local' in entry && entry.local === true
}

/** What a local proof server is called where its section does not name it. */
export const LOCAL_DISPLAY = 'proof'

export const flag = z.boolean({ error: 'true or false' })

export function text(wanted: string) {
  return value(wanted, (input) =>
    typeof input === 'string' && input !== '' && input.length <= TEXT_LENGTH_MAX
      ? input
      : undefined,
  )
}

export function whole(min: number, max: number, unit = '') {
  return value(`a whole number${unit} from ${min} to ${max}`, (input) =>
    Number.isInteger(input) && (input as number) >= min && (input as number) <= max
      ? (input as number)
      : undefined,
  )
}

export const zone = value('a domain name of at most 173 characters, such as nt.example.org', (v) =>
  typeof v === 'string' && v.includes('.') ? parseZone(v) : undefined,
)

export const ipAddress = value(
  'an IP address, such as 198.51.100.1 or 2001:db8::1',
  (v) => parseAddress(v as string)?.address,
)

export const peerId = value(
  'a peer id, such as 12D3KooW… (`nodetrust config check` prints that of each section)',
  (v): PeerId => peerIdFromString(v as string),
)

/** Where a libp2p node listens: TCP, plain or with WebSockets. */
export const listenAddress = value(
  'a multiaddr to listen on, such as /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4002/ws',
  (v): Multiaddr | undefined => {
    const parsed = parseMultiaddr(v)
    const first = parsed.getComponents()[0]?.name
    const usable = TCP.exactMatch(parsed) || WebSockets.exactMatch(parsed)
    return usable && (first === 'ip4' || first === 'ip6') ? parsed : undefined
  },
)

/** Any address; those that came with `/p2p/…` say who must answer there. */
export const address = value(
  'a multiaddr, such as /dns4/proof.example.org/tcp/4001',
  (v): Multiaddr => parseMultiaddr(v),
)

export const peerAddress = value(
  'a multiaddr that ends in /p2p/<peer id>, such as /ip4/198.51.100.1/tcp/4001/p2p/12D3KooW…',
  (v): Multiaddr | undefined => {
    const parsed = parseMultiaddr(v)
    return parsed.getComponents().at(-1)?.name === 'p2p' ? parsed : undefined
  },
)

/** The public half of a key that signs proofs. A private one pasted here would be a leak, so nothing is shown. */
export const publicKey = value(
  "a libp2p public key as base64 of its protobuf (`nodetrust config check` prints a proof server's)",
  (v): PublicKey | undefined => {
    const bytes = typeof v === 'string' ? decodeBase64(v) : undefined
    if (bytes === undefined || attempt(() => privateKeyFromProtobuf(bytes)) !== undefined) {
      return undefined
    }
    return publicKeyFromProtobuf(bytes)
  },
  { secret: true },
)

/** A private key, read from the file whose path stands in the configuration. */
export function keyFile(files: ConfigFiles) {
  return fileValue('the path of a key file', (path) => files.key(path))
}

export function textFile(files: ConfigFiles, wanted: string, options: { secret: boolean }) {
  return fileValue(wanted, (path) => files.text(path, options))
}

/** The path of a deny list that can be read now; the servers read it themselves, and again when it changes. */
export function denyListFile(files: ConfigFiles) {
  return fileValue(
    'the path of a file with a peer id, IP address or network a line',
    async (path) => {
      const resolved = files.resolve(path)
      await readDenyFile(resolved)
      return resolved
    },
  )
}

/** A path, made absolute. */
export function path(files: ConfigFiles, wanted: string) {
  return text(wanted).transform((found) => files.resolve(found))
}

/** An https URL; http only to this machine itself, for a CA that tests run. */
export function directoryUrl(known: ReadonlyMap<string, string>) {
  const names = [...known.keys()].join(', ')
  return value(`an https URL, or one of ${names}`, (input) => {
    const named = known.get(input as string)
    if (named !== undefined) return named
    const url = new URL(input as string)
    const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
    return url.protocol === 'https:' || (url.protocol === 'http:' && loopback)
      ? (input as string)
      : undefined
  })
}

export const contact = value('a mail address, such as operator@example.org', (v) => {
  const mail = (v as string).replace(/^mailto:/, '')
  return /^[^@\s,?]+@[^@\s,?]+$/.test(mail) ? `mailto:${mail}` : undefined
})

const TEXT_LENGTH_MAX = 4096

function fileValue<T>(wanted: string, read: (path: string) => Promise<T>) {
  return z.unknown().transform(async (input, context): Promise<T> => {
    if (typeof input !== 'string' || input === '') return refuse(context, wanted)
    // Neither in a message nor in a log: this value is the secret that should have been in a file.
    if (parseKey(input) !== undefined) {
      return refuse(context, `is a private key, wanted ${wanted} that holds it`, WHOLE_MESSAGE)
    }
    try {
      return await read(input)
    } catch (error) {
      return refuse(context, (error as Error).message, WHOLE_MESSAGE)
    }
  })
}

function refuse(context: z.RefinementCtx, message: string, params = {}): never {
  context.addIssue({ code: 'custom', message, params })
  return z.NEVER
}

/** multiaddr() takes no text at all for an address without components. */
function parseMultiaddr(input: unknown): Multiaddr {
  if (typeof input !== 'string' || !input.startsWith('/')) throw new SyntaxError('no multiaddr')
  return multiaddr(input)
}

function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
