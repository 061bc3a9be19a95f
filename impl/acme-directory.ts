import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

const TIMEOUT_MS = 10_000
const USER_AGENT = 'nodetrust'

/**
 * Asks for an ACME directory once (RFC 8555 §7.1.1), to tell an operator early what the first order would.
 * @throws {Error} when it does not answer 200 within 10 s.
 */
export async function reachDirectory(
  url: string,
  options: {
    /** PEM. @default Node's own roots */
    readonly certificateAuthority?: string | undefined
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)])
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  const asked = request(url, {
    ca: options.certificateAuthority,
    agent: false,
    signal,
    // RFC 8555 §6.1; Pebble 2.10 refuses who leaves it out.
    headers: { 'user-agent': USER_AGENT },
  })
  asked.on('response', (response) => {
    // What the directory holds is for the ACME client to judge.
    response.destroy()
    const { statusCode } = response
    if (statusCode === 200) resolve()
    else reject(new Error(`the directory answers with status ${statusCode}, wanted 200`))
  })
  asked.on('error', (error: NodeJS.ErrnoException) => {
    if (signal.aborted && !options.signal.aborted) {
      reject(new Error(`no answer within ${TIMEOUT_MS} ms`, { cause: error }))
    } else {
      // Errors of happy eyeballs have a code and an empty message.
      reject(error.message === '' ? new Error(error.code ?? error.name, { cause: error }) : error)
    }
  })
  asked.end()
  await promise
}
