import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { configSample } from '../config/sample.ts'
import {
  ConfigError,
  formatProblem,
  loadConfig,
  ROLES,
  type Config,
  type LoadedConfig,
  type Role,
} from '../config/index.ts'
import { fileError, generateKey, writePrivateFile } from '../keys.ts'
import { parseAddress } from '../wire/addresses.ts'
import { parseZone } from '../wire/names.ts'
import { jsonText, UsageError, type CommandIo } from './io.ts'

const CONFIG_FILE = 'nodetrust.yaml'

export interface ConfigInitOptions {
  readonly zone: string
  readonly role: Role | 'all'
  /** Folder for the configuration and its keys. */
  readonly out: string
  readonly address?: readonly string[]
  readonly agreeToTerms?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

/**
 * `nodetrust config init`: writes a commented configuration and new keys, or, when any of the files exists, none.
 * @throws {UsageError} for a zone, an address or a folder that cannot be used.
 */
export async function configInit(options: ConfigInitOptions, io: CommandIo): Promise<void> {
  const zone = options.zone.includes('.') ? parseZone(options.zone) : undefined
  if (zone === undefined) {
    throw new UsageError(`--zone is "${options.zone}", wanted a domain name such as nt.example.org`)
  }
  const addresses = options.address ?? []
  const wrong = addresses.find((address) => parseAddress(address) === undefined)
  if (wrong !== undefined) throw new UsageError(`--address is "${wrong}", wanted an IP address`)
  const force = options.force ?? false
  const sample = configSample({
    zone,
    roles: options.role === 'all' ? ROLES : [options.role],
    agreeToTerms: options.agreeToTerms ?? false,
    ...(addresses.length === 0 ? {} : { addresses }),
  })
  const file = join(options.out, CONFIG_FILE)
  const keys = sample.keyFiles.map((name) => join(options.out, name))
  await checkNew([file, ...keys], force)
  try {
    await mkdir(options.out, { recursive: true }).catch((cause: unknown) => {
      throw fileError(options.out, cause)
    })
    // Last the configuration: what it names is there then, whatever happens in between.
    for (const key of keys) await writePrivateFile(key, (await generateKey()).text, { force })
    await writePrivateFile(file, sample.text, { force })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
  if (options.json === true) return io.write(jsonText({ config: file, keys }))
  io.write(`${[file, ...keys].join('\n')}\n`)
  io.note(
    `Read ${file}, put in what is yours (addresses, other servers, whether you agree to the CA's terms), then:\n` +
      `  nodetrust config check --config ${file}\n`,
  )
}

async function checkNew(files: readonly string[], force: boolean): Promise<void> {
  if (force) return
  const found = await Promise.all(files.map((file) => stat(file).then(Boolean, () => false)))
  const existing = files.filter((_, index) => found[index])
  if (existing.length === 0) return
  throw new UsageError(
    `nothing was written, since there is already ${existing.join(', ')}: ` +
      'choose another folder with --out, or replace them with --force (keys are lost by that)',
  )
}

export interface ConfigCheckOptions {
  readonly config: string
  readonly json?: boolean
}

/**
 * `nodetrust config check`: prints what the configuration describes.
 * @throws {ConfigError} with everything that is wrong with it; with `json` it is printed first.
 */
export async function configCheck(options: ConfigCheckOptions, io: CommandIo): Promise<void> {
  const json = options.json === true
  const loaded = await loadConfig(options.config).catch((error: unknown) => {
    if (json && error instanceof ConfigError) {
      const { file, problems } = error
      io.write(jsonText({ file, valid: false, problems }))
    }
    throw error
  })
  const summary = summarize(loaded)
  if (json) return io.write(jsonText(summary))
  for (const message of loaded.warnings) {
    io.note(`warning: ${formatProblem(loaded.file, { path: '', message })}\n`)
  }
  io.write(`${summaryText(summary)}\n`)
}

function summarize({ file, config, warnings }: LoadedConfig) {
  return { file, valid: true, zone: config.zone, roles: ROLES.flatMap(roleOf(config)), warnings }
}

interface RoleSummary {
  readonly role: Role
  readonly peerId: string
  readonly listen: readonly string[]
  /** What issue servers need to believe a proof server; base64. */
  readonly proofKey?: string
  /** Where DNS queries are answered. */
  readonly queries?: readonly string[]
  readonly directoryUrl?: string
}

function roleOf(config: Config) {
  return (role: Role): RoleSummary[] => {
    const section = config[role]
    if (section === undefined) return []
    const { proof, dns, issue } = config
    return [
      {
        role,
        peerId: section.identityFile.publicKey.toString(),
        listen: section.listen.map(String),
        ...(role === 'proof' && proof !== undefined
          ? { proofKey: base64((proof.proofKeyFile ?? proof.identityFile).publicKey) }
          : {}),
        ...(role === 'dns' && dns !== undefined
          ? { queries: dns.dnsListen.map(({ address, port }) => `${address} port ${port ?? 53}`) }
          : {}),
        ...(role === 'issue' && issue !== undefined
          ? { directoryUrl: issue.acme.directoryUrl }
          : {}),
      },
    ]
  }
}

function summaryText(summary: ReturnType<typeof summarize>): string {
  const lines = summary.roles.flatMap((role) => [
    `  ${role.role.padEnd(6)} peer id    ${role.peerId}`,
    `         listen     ${role.listen.join(' ')}`,
    ...(role.proofKey === undefined ? [] : [`         proof key  ${role.proofKey}`]),
    ...(role.queries === undefined ? [] : [`         queries    ${role.queries.join(', ')}`]),
    ...(role.directoryUrl === undefined ? [] : [`         CA         ${role.directoryUrl}`]),
  ])
  const zone = summary.zone === undefined ? [] : [`  zone   ${summary.zone}`]
  return [`${summary.file} is valid`, ...zone, ...lines].join('\n')
}

function base64(key: Parameters<typeof publicKeyToProtobuf>[0]): string {
  return Buffer.from(publicKeyToProtobuf(key)).toString('base64')
}
