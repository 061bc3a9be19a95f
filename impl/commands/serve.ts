import { loadConfig, ROLES, type Config, type Role } from '../config/index.ts'
import { createLog, type Log } from '../log.ts'
import { startServers } from '../node.ts'
import { reachDirectory } from '../acme-directory.ts'
import { jsonText, type CommandIo, type LogOptions } from './io.ts'

/** What `nodetrust serve` can be asked for. */
export type ServeRole = Role | 'all'

export interface ServeOptions extends LogOptions {
  readonly config: string
  /** Print the addresses to standard output as one JSON document. */
  readonly json?: boolean
}

/**
 * `nodetrust serve`: runs until it is told to end.
 * @throws {ConfigError} and {SetupError} for what keeps it from starting, {StopError} when it cannot end.
 */
export async function serve(role: ServeRole, options: ServeOptions, io: CommandIo): Promise<void> {
  const { config, warnings } = await loadConfig(options.config)
  const log = createLog({
    format: options.log ?? config.log?.format ?? (io.terminal ? 'text' : 'json'),
    level: options.logLevel ?? config.log?.level ?? 'info',
    colour: io.terminal,
  })
  for (const warning of warnings) log.warn({ event: 'config:warning' }, warning)
  const roles = role === 'all' ? presentRoles(config) : [role]
  const servers = await startServers(config, { roles, log, signal: io.signal }).catch(
    (error: unknown) => {
      // Told to end while it started: what had started is stopped again, and that is all there is to do.
      if (io.signal.aborted) return undefined
      throw error
    },
  )
  if (servers === undefined) return
  const { libp2p, dns, http } = servers.addresses
  const ofHttp = http === undefined ? {} : { http }
  log.info(
    { event: 'started', zone: config.zone, addresses: { ...libp2p, queries: dns, ...ofHttp } },
    'started',
  )
  if (options.json === true) io.write(jsonText({ libp2p, queries: dns, ...ofHttp }))
  if (roles.includes('issue')) watchDirectory(config, log, io.signal)
  await aborted(io.signal)
  log.info({ event: 'stopping' }, 'stopping')
  await servers.stop()
  log.info({ event: 'stopped' }, 'stopped')
}

function presentRoles(config: Config): Role[] {
  return ROLES.filter((role) => config[role] !== undefined)
}

/** A CA that cannot be reached now may be when the first request comes: it is a warning, and no more. */
function watchDirectory(config: Config, log: Log, signal: AbortSignal): void {
  const acme = config.issue?.acme
  if (acme === undefined) return
  const fields = { role: 'issue', directory: acme.directoryUrl }
  reachDirectory(acme.directoryUrl, {
    certificateAuthority: acme.certificateAuthorityFile,
    signal,
  }).then(
    () => log.debug({ event: 'acme:reachable', ...fields }, 'the CA answers'),
    (error: Error) => {
      if (signal.aborted) return
      const reason = error.message
      log.warn({ event: 'acme:unreachable', ...fields, reason }, 'the CA cannot be reached')
    },
  )
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
