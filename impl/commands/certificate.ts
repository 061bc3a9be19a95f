import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nodetrust, type Certificate, type NodetrustClient } from '../client/index.ts'
import { fileError, generateKey, readKeyFile, writePrivateFile } from '../keys.ts'
import { withoutStack } from '../node.ts'
import { componentLogger, createLog, logEvents, type Log } from '../log.ts'
import { jsonText, UsageError, type CommandIo, type LogOptions } from './io.ts'

export interface CertificateOptions extends LogOptions {
  readonly issueServer: readonly string[]
  /** The peer's key, which the certificate's first name is made of; made when missing and not named. */
  readonly identity?: string
  readonly listen?: readonly string[]
  /** Folder for the PEM files. */
  readonly out: string
  /** Bound on the whole, in seconds. */
  readonly timeout: string
  readonly json?: boolean
}

const TIMEOUT_SECONDS_MAX = 3600

/**
 * `nodetrust cert`: obtains a certificate once and writes it.
 * @throws {UsageError} for options that cannot be used; the client's errors when there is no certificate.
 */
export async function certificate(options: CertificateOptions, io: CommandIo): Promise<void> {
  const timeoutSeconds = Number(options.timeout)
  if (!(timeoutSeconds > 0 && timeoutSeconds <= TIMEOUT_SECONDS_MAX)) {
    throw new UsageError(
      `--timeout is "${options.timeout}", wanted seconds from 1 to ${TIMEOUT_SECONDS_MAX}`,
    )
  }
  const issueServers = options.issueServer.map((text) =>
    parseAddress('--issue-server', text, '/dns4/issue.example.org/tcp/4003/p2p/12D3KooW…'),
  )
  const unnamed = issueServers.find((address) => address.getComponents().at(-1)?.name !== 'p2p')
  if (unnamed !== undefined) {
    throw new UsageError(
      `--issue-server is "${unnamed.toString()}", wanted an address that ends in /p2p/<peer id>`,
    )
  }
  const listen = (options.listen ?? []).map((text) =>
    parseAddress('--listen', text, '/ip4/0.0.0.0/tcp/4001'),
  )
  const log = createLog({
    format: options.log ?? (io.terminal ? 'text' : 'json'),
    level: options.logLevel ?? 'warn',
    colour: io.terminal,
  })
  const key = await identityKey(options, log)
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(timeoutSeconds * 1_000)])
  const obtained = await obtain({ key, issueServers, listen, log, signal }).catch(
    (error: unknown) => {
      if (error instanceof UsageError) throw error
      if (io.signal.aborted) throw new Error('stopped before there was a certificate')
      if (!signal.aborted) throw error
      throw new Error(`no certificate within ${timeoutSeconds} s`, { cause: error })
    },
  )
  const files = {
    identity: identityPath(options),
    ...(await writeFiles(options.out, obtained)),
  }
  const { names, issuer, serial, notBefore, notAfter } = obtained
  if (options.json === true) {
    return io.write(jsonText({ names, issuer, serial, notBefore, notAfter, files }))
  }
  const date = (time: number): string => new Date(time).toISOString()
  io.write(
    [
      `names   ${names.join('\n        ')}`,
      `issuer  ${issuer.replaceAll('\n', ', ')}`,
      `valid   ${date(notBefore)} to ${date(notAfter)}`,
      `files   ${Object.values(files).join('\n        ')}`,
      '',
    ].join('\n'),
  )
}

function parseAddress(option: string, text: string, example: string): Multiaddr {
  try {
    if (!text.startsWith('/')) throw new SyntaxError('a multiaddr starts with /')
    return multiaddr(text)
  } catch (cause) {
    throw new UsageError(`${option} is "${text}", wanted a multiaddr such as ${example}`, { cause })
  }
}

function identityPath({ identity, out }: CertificateOptions): string {
  return identity ?? join(out, 'identity.key')
}

/** A certificate is for one peer id: without its key it is of no use, so a new key is kept. */
async function identityKey(options: CertificateOptions, log: Log): Promise<PrivateKey> {
  const path = identityPath(options)
  try {
    const { key, warning } = await readKeyFile(path)
    if (warning !== undefined) log.warn({ event: 'config:warning' }, warning)
    return key
  } catch (error) {
    const missing = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    if (options.identity !== undefined || !missing) {
      throw new UsageError(`--identity: ${(error as Error).message}`, { cause: error })
    }
  }
  const { key, text } = await generateKey()
  try {
    await mkdir(options.out, { recursive: true }).catch((cause: unknown) => {
      throw fileError(options.out, cause)
    })
    await writePrivateFile(path, text)
  } catch (error) {
    throw new UsageError(`--out: ${(error as Error).message}`, { cause: error })
  }
  return key
}

async function obtain(wanted: {
  readonly key: PrivateKey
  readonly issueServers: readonly Multiaddr[]
  readonly listen: readonly Multiaddr[]
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<Certificate> {
  const { log, signal } = wanted
  const client = nodetrust({ issueServers: wanted.issueServers, autoStart: false, announce: false })
  const node = await createLibp2p<{ identify: object; nodetrust: NodetrustClient }>({
    start: false,
    privateKey: wanted.key,
    addresses: { listen: wanted.listen.map(String) },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    logger: componentLogger(log),
    services: {
      identify: identify(),
      nodetrust: (components) => {
        const service = client(components as never)
        logEvents(service, log)
        return service
      },
    },
  })
  try {
    await node.start()
  } catch (cause) {
    throw new UsageError(`--listen: ${withoutStack(cause)}`, { cause })
  }
  try {
    return await node.services.nodetrust.obtain({ signal })
  } finally {
    await node.stop()
  }
}

/** Replaces what is there: the key first, so that no certificate stands beside another one's key for long. */
async function writeFiles(folder: string, obtained: Certificate) {
  const files = {
    key: join(folder, 'key.pem'),
    certificate: join(folder, 'certificate.pem'),
    chain: join(folder, 'chain.pem'),
  }
  await mkdir(folder, { recursive: true })
  for (const part of ['key', 'certificate', 'chain'] as const) {
    await writePrivateFile(files[part], obtained[part], { force: true })
  }
  return files
}
