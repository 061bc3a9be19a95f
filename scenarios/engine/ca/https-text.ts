// One HTTPS request to a CA that this folder started: is it up, and what are its roots?
import { request } from 'node:https'

/** Far above a directory (1 KiB) or a chain of roots. */
const BODY_LENGTH_MAX = 1 << 20

export interface TextResponse {
  readonly status: number
  readonly text: string
}

/** Gets a text; the timeout is for all of it, and the connection is not kept. */
export async function getText(
  url: string,
  init: {
    readonly certificateAuthority: string
    readonly timeoutMs: number
    readonly signal?: AbortSignal
  },
): Promise<TextResponse> {
  const timeout = AbortSignal.timeout(init.timeoutMs)
  const signal = init.signal === undefined ? timeout : AbortSignal.any([init.signal, timeout])
  return await new Promise((resolve, reject) => {
    // Node says AbortError for both; who asked wants to know whether it was the timeout.
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error)
    const outgoing = request(
      url,
      {
        ca: init.certificateAuthority,
        agent: false,
        signal,
        // RFC 8555 §6.1 wants one, and Pebble from 2.10 on refuses requests without.
        headers: { 'User-Agent': 'nodetrust-scenarios' },
      },
      (response) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > BODY_LENGTH_MAX) {
            response.destroy(new RangeError(`"${url}" answers more than ${BODY_LENGTH_MAX} bytes`))
          } else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on('error', fail)
    outgoing.end()
  })
}
