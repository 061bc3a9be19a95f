// The configuration file: one YAML file describes one operator's servers, each role in a section of its own.
// schema.ts holds what can stand in it, sample.ts what `nodetrust config init` writes.
import { constants, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseConfig } from './parse.ts'
import { ConfigError } from './problems.ts'
import { ADDRESS_FOR_DOCUMENTATION } from './sample.ts'
import type { Config } from './schema.ts'
import { fileError, readKeyFile, readPrivateFile } from '../keys.ts'

export { ConfigError, formatProblem, type ConfigProblem } from './problems.ts'
export {
  ROLES,
  type Config,
  type DnsConfig,
  type IssueConfig,
  type ProofConfig,
  type Role,
} from './schema.ts'
export { isLocal } from './values.ts'

/** A configuration that can be used, and what should be better about it. */
export interface LoadedConfig {
  readonly file: string
  readonly config: Config
  /** Sentences, such as about key files that others can read. */
  readonly warnings: readonly string[]
}

/** The largest sensible configuration has a few kB; a file given by mistake must not fill the memory. */
const CONFIG_LENGTH_MAX = 1024 * 1024

/**
 * Reads and checks a configuration and every file that it names.
 * @throws {ConfigError} with everything that is wrong.
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const folder = dirname(resolve(file))
  const warnings = new Set<string>()
  const note = <T extends { readonly warning?: string }>(found: T): T => {
    if (found.warning !== undefined) warnings.add(found.warning)
    return found
  }
  const { config, problems } = await parseConfig(await readConfig(file), {
    resolve: (path) => resolve(folder, path),
    key: async (path) => {
      try {
        return note(await readKeyFile(resolve(folder, path))).key
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
        throw new Error(`${(error as Error).message}: \`nodetrust config init\` makes keys`, {
          cause: error,
        })
      }
    },
    text: async (path, { secret }) => {
      if (secret) return note(await readPrivateFile(resolve(folder, path))).text.trim()
      return readText(resolve(folder, path))
    },
  })
  if (problems !== undefined) throw new ConfigError(file, problems)
  for (const { name, addresses } of config.dns?.nameServers ?? []) {
    if (addresses?.includes(ADDRESS_FOR_DOCUMENTATION) === true) {
      warnings.add(
        `dns.nameServers: ${name} still has the example's address ${ADDRESS_FOR_DOCUMENTATION}, wanted the server's own`,
      )
    }
  }
  return { file, config, warnings: [...warnings] }
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readText(file)
  } catch (error) {
    const advice = codeOf(error) === 'ENOENT' ? ': `nodetrust config init` writes a sample' : ''
    throw new ConfigError(file, [{ path: '', message: `${(error as Error).message}${advice}` }])
  }
}

async function readText(path: string): Promise<string> {
  // A pipe without a writer would keep us for ever; that it is no file is looked at below.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      throw fileError(path, cause)
    },
  )
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new Error(`"${path}" is no regular file`)
    const { size } = found
    if (size > CONFIG_LENGTH_MAX) {
      throw new Error(`file "${path}" has ${size} bytes, at most ${CONFIG_LENGTH_MAX} are read`)
    }
    return await file.readFile('utf8').catch((cause: unknown) => {
      throw fileError(path, cause)
    })
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error && 'code' in error.cause
    ? error.cause.code
    : undefined
}
