import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ClientTarget, Target } from '../suite/target.ts'
import { SELF_NAME, SELF_ZONE } from './configuration.ts'

export interface SelfClientOptions {
  /** Of each run, what the client wrote and printed. */
  readonly folder: string
  /** Where what Node has compiled is kept between runs: a client is started for each check. */
  readonly cacheFolder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Files of modules that Node loads before the client: how mutants are made. */
  readonly preload?: readonly string[]
}

/** The client that this project ships, as an application that the suite can run; undefined where it is not here. */
export function selfClient(options: SelfClientOptions): ClientTarget | undefined {
  const program = join(import.meta.dirname, '../client/our-client/cli.ts')
  // Packages have no code of ours.
  if (!existsSync(program)) return undefined
  const imports = (options.preload ?? []).map((file) => ['--import', pathToFileURL(file).href])
  const words = [process.execPath, ...imports.flat(), program]
  return {
    // In the place of the shell, so that it sees when the suite has gone.
    exec: `${process.platform === 'win32' ? '' : 'exec '}${words.map((word) => JSON.stringify(word)).join(' ')}`,
    folder: options.folder,
    environment: { ...options.environment, NODE_COMPILE_CACHE: options.cacheFolder },
  }
}

/** A client alone: every server is played. */
export function clientOnly(client: ClientTarget | undefined): Target {
  const nobody: Target = { name: SELF_NAME, zone: SELF_ZONE, capabilities: [], dns: [], proof: [] }
  return client === undefined ? nobody : { ...nobody, client }
}
