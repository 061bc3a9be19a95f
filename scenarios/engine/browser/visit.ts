import type { BrowserContext, Page } from 'playwright-core'
import type { Trace } from '../trace.ts'

/** One opening of the page in a browser, which dials a node and, through it, others. */
export interface VisitInit {
  readonly context: BrowserContext
  readonly pageUrl: string
  /** The multiaddr that the page dials first. */
  readonly dial: string
  /** Whose deeds the trace calls these. */
  readonly host: string
  readonly trace: Trace
}

/** Names and issuer as the browser itself read them from a server's certificate. */
interface CertificateSeen {
  readonly names: readonly string[]
  readonly issuer: string
  readonly protocol: string
}

/** Longest wait for the page to load, in ms; it is on loopback, but the machine may be busy. */
const LOAD_TIMEOUT_MS = 30_000
const CERTIFICATE_TIMEOUT_MS = 10_000
const CONSOLE_TIMEOUT_MS = 5_000

/** Chromium's names of what went wrong: a page is told nothing, only its console is. */
const NETWORK_ERROR = /net::(ERR_\w+)/

/**
 * Opens the page and lets it do its work; what it does stands in the trace as `browser:…` events:
 * `dialled`, `pinged`, `heard`, `certificate`, `failed`, and `refused` with the browser's own reason.
 */
export async function openVisit(init: VisitInit): Promise<Page> {
  const { context, trace, host } = init
  const page = context.pages()[0] ?? (await context.newPage())
  const refused = Promise.withResolvers<string | undefined>()
  page.on('console', (message) => {
    const code = NETWORK_ERROR.exec(message.text())?.[1]
    if (code === undefined) return
    trace.record(host, 'browser:refused', { code, reason: message.text() })
    refused.resolve(code)
  })
  // A failure may come before the console's line about it, or without one.
  await page.exposeFunction('consoleError', () => {
    const timer = setTimeout(() => refused.resolve(undefined), CONSOLE_TIMEOUT_MS)
    return refused.promise.finally(() => clearTimeout(timer))
  })
  page.on('pageerror', (error) => {
    trace.record(host, 'browser:failed', { reason: error.message })
  })
  await page.exposeFunction('tell', (event: string, detail: Record<string, unknown>) => {
    trace.record(host, event, detail)
  })
  const certificates = await watchCertificates(page)
  await page.exposeFunction('certificateOf', async (url: string) => {
    const seen = await certificates(url)
    trace.record(host, 'browser:certificate', { url, ...seen })
    return seen
  })
  const url = new URL(init.pageUrl)
  url.searchParams.set('dial', init.dial)
  await page.goto(url.href, { waitUntil: 'domcontentloaded', timeout: LOAD_TIMEOUT_MS })
  return page
}

/**
 * Gives a way to ask what the browser knows of the certificate behind an https address. DevTools tell it for requests
 * and not for WebSockets, so the page makes a request to the same port; a libp2p node answers it with an error.
 */
async function watchCertificates(page: Page): Promise<(url: string) => Promise<CertificateSeen>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  return async (url) => {
    const { promise, resolve, reject } = Promise.withResolvers<CertificateSeen>()
    const timer = setTimeout(
      () => reject(new Error(`no answer from ${url} within ${CERTIFICATE_TIMEOUT_MS} ms`)),
      CERTIFICATE_TIMEOUT_MS,
    )
    const onResponse = ({ response }: { response: DevToolsResponse }): void => {
      if (response.url !== url || response.securityDetails === undefined) return
      const { sanList, issuer, protocol } = response.securityDetails
      resolve({ names: sanList.map((name) => name.toLowerCase()), issuer, protocol })
    }
    session.on('Network.responseReceived', onResponse)
    try {
      const fetched = page.evaluate(
        (address) => fetch(address, { mode: 'no-cors' }).then(() => {}),
        url,
      )
      const [seen] = await Promise.all([promise, fetched])
      return seen
    } finally {
      clearTimeout(timer)
      session.off('Network.responseReceived', onResponse)
    }
  }
}

/** What we read of the Chrome DevTools Protocol's `Network.Response`. */
interface DevToolsResponse {
  readonly url: string
  readonly securityDetails?: {
    readonly sanList: readonly string[]
    readonly issuer: string
    readonly protocol: string
  }
}
