// A small HTTP server for the operator of this machine: metrics, health, status. It changes nothing and takes nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { HealthReport } from './health/index.ts'

/** What the server answers with. */
export interface OperatorPages {
  /** `/metrics`: Prometheus' text format. */
  metrics(): Promise<{ readonly type: string; readonly body: string }>
  /** `/health` */
  health(): Promise<HealthReport>
  /** `/status`: what `nodetrust status` prints, as JSON. */
  status(): Promise<unknown>
}

export interface OperatorHttp {
  readonly address: string
  readonly port: number
  /** Lets go of the port and of all connections. */
  close(): Promise<void>
}

/** Prometheus, a health check, a person: few ask, and at once. */
const CONNECTIONS_MAX = 64
const REQUEST_TIMEOUT_MS = 5_000
const HEADER_LENGTH_MAX = 8 * 1024

/** @throws {Error} of the system when the port cannot be had. */
export async function openOperatorHttp(
  listen: { readonly address: string; readonly port: number },
  pages: OperatorPages,
): Promise<OperatorHttp> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_LENGTH_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      const shared = shareMetrics
      answer(request, { ...pages, metrics: shared }).then(
        (page) => send(request, response, page),
        (error: unknown) => {
          const body = error instanceof Error ? error.message : String(error)
          send(request, response, { status: 500, type: TEXT, body: `${body}\n` })
        },
      )
    },
  )
  // Whoever asks while an answer is made gets the same one: to ask much costs little.
  let making: ReturnType<OperatorPages['metrics']> | undefined
  const shareMetrics = (): ReturnType<OperatorPages['metrics']> => {
    making ??= pages.metrics().finally(() => {
      making = undefined
    })
    return making
  }
  server.maxConnections = CONNECTIONS_MAX
  server.listen({ host: listen.address, port: listen.port, ipv6Only: true })
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  return { address, port, close: () => close(server) }
}

interface Page {
  readonly status: number
  readonly type?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

const TEXT = 'text/plain; charset=utf-8'

async function answer({ method, url }: IncomingMessage, pages: OperatorPages): Promise<Page> {
  const path = url?.replace(/\?.*/s, '')
  if (path !== '/metrics' && path !== '/health' && path !== '/status') {
    return { status: 404, type: TEXT, body: 'here are /metrics, /health and /status\n' }
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, type: TEXT, body: 'wanted GET\n', headers: { allow: 'GET, HEAD' } }
  }
  switch (path) {
    case '/metrics':
      return { status: 200, ...(await pages.metrics()) }
    case '/health':
      return healthPage(await pages.health())
    case '/status':
      return {
        status: 200,
        type: 'application/json',
        body: `${JSON.stringify(await pages.status())}\n`,
      }
  }
}

function healthPage({ problems, retryAfterSeconds }: HealthReport): Page {
  if (problems.length === 0) return { status: 204 }
  return {
    status: 503,
    type: TEXT,
    body: `${problems.join('\n')}\n`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  }
}

function send(request: IncomingMessage, response: ServerResponse, page: Page): void {
  const { status, type, body = '', headers } = page
  response.writeHead(status, {
    ...headers,
    'cache-control': 'no-store',
    ...(type === undefined
      ? {}
      : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
