import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import { loadConfig, type Config } from '../config/index.ts'
import { reachableAt } from '../dns-endpoints.ts'
import { CA_PROBES } from '../health/index.ts'
import { collectStatus, statusSources, type Status } from '../status/index.ts'
import { jsonText, UsageError, type CommandIo } from './io.ts'
import { statusText } from './status-text.ts'

export interface StatusOptions {
  readonly config: string
  /** The http port of servers that run: asked instead of looking by ourselves. */
  readonly url?: string
  readonly json?: boolean
}

/** Health probes of the servers take up to 5 s. */
const TIMEOUT_MS = 15_000
/** Far over a status of full lists. */
const STATUS_LENGTH_MAX = 4 * 1024 * 1024

/**
 * `nodetrust status`: prints what a person asks first.
 * @throws {Error} when something needs a person, after it was printed; {UsageError} and {ConfigError}.
 */
export async function status(options: StatusOptions, io: CommandIo): Promise<void> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(TIMEOUT_MS)])
  const found =
    options.url === undefined
      ? await ofConfig((await loadConfig(options.config)).config, signal)
      : await ofUrl(options.url, signal)
  io.write(options.json === true ? jsonText(found) : statusText(found, { now: Date.now() }))
  const { length } = found.problems
  if (length > 0) throw new Error(`${length} ${length === 1 ? 'thing needs' : 'things need'} you`)
}

/** Looks by itself, and asks the servers of the configuration how they are where they have a port for that. */
async function ofConfig(config: Config, signal: AbortSignal): Promise<Status> {
  const { http } = config
  const servers =
    http === undefined
      ? undefined
      : async (): Promise<{ readonly problems: readonly string[] }> => {
          const { address, port } = reachableAt(http)
          const host = address.includes(':') ? `[${address}]` : address
          const url = new URL(`http://${host}:${port}/health`)
          const answer = await fetchText(url, signal).catch((error: Error) => error)
          if (answer instanceof Error) return { problems: [`do not run: ${answer.message}`] }
          const told = answer.status === 204 ? [] : answer.body.split('\n').filter(Boolean)
          // The CA and its limits are looked at from here as well: one sentence about it is enough.
          const ofCa = (problem: string): boolean => CA_PROBES.has(problem.split(':', 1)[0] ?? '')
          return { problems: told.filter((problem) => !ofCa(problem)) }
        }
  return collectStatus(statusSources(config, { servers }), { now: Date.now(), signal })
}

async function ofUrl(text: string, signal: AbortSignal): Promise<Status> {
  const base = URL.parse(text)
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UsageError(`--url is "${text}", wanted that of the http port: http://127.0.0.1:9465`)
  }
  const url = new URL('/status', base)
  const answer = await fetchText(url, signal)
  if (answer.status !== 200) {
    throw new Error(`"${url.href}" answered with status ${answer.status}, wanted 200`)
  }
  const found = parseStatus(answer.body)
  if (found === undefined) throw new Error(`"${url.href}" did not answer with a status`)
  return found
}

async function fetchText(
  url: URL,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly status: number
    readonly body: string
  }>()
  const get = url.protocol === 'https:' ? getHttps : getHttp
  const request = get(url, { agent: false, signal }, (response) => {
    const chunks: Buffer[] = []
    let length = 0
    response.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= STATUS_LENGTH_MAX) chunks.push(chunk)
      else request.destroy(new Error(`answers with more than ${STATUS_LENGTH_MAX} bytes`))
    })
    response.on('error', reject)
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
    })
  })
  request.on('error', (error: NodeJS.ErrnoException) => {
    const reason = signal.aborted
      ? 'no answer in time'
      : error.message || (error.code ?? error.name)
    reject(new Error(`"${url.origin}" cannot be asked: ${reason}`, { cause: error }))
  })
  return promise
}

/** Of a program of the same version; what is looked at here is what printing relies on. */
function parseStatus(text: string): Status | undefined {
  try {
    const found = JSON.parse(text) as Partial<Record<keyof Status, unknown>>
    const { dnsServers, certificates, orders, budgets, blockedNames, problems } = found
    const lists = [dnsServers, certificates, orders, budgets, blockedNames, problems]
    return lists.every((list) => Array.isArray(list)) ? (found as Status) : undefined
  } catch {
    return undefined
  }
}
