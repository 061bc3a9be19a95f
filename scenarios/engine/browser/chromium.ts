import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium as playwright, type BrowserContext } from 'playwright-core'
import { runProgram } from '../machine/program.ts'
import type { Browser } from './find.ts'

/** Wide enough for a multiaddr in one line; a picture is as high as the page. */
const VIEWPORT = { width: 1240, height: 480 }
const LAUNCH_TIMEOUT_MS = 60_000

export interface ChromiumInit {
  readonly browser: Browser
  /** Its home, with trust store and profile, is made in this folder and removed again. */
  readonly workDirectory: string
  /** PEM of the only roots that it trusts beside those that it was built with. */
  readonly roots: string
  /** Where it finds each name; all other names do not exist for it. */
  readonly names: ReadonlyMap<string, string>
  readonly signal: AbortSignal
}

/** A running Chromium; disposing of it ends its process and removes what it wrote. */
export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext
}

/**
 * Starts a headless Chromium with a home of its own.
 *
 * Nothing here weakens what it checks: a root becomes trusted as on anybody's machine, by standing in the NSS database
 * of the user, and names are given addresses as a hosts file would.
 */
export async function openChromium(init: ChromiumInit): Promise<Chromium> {
  const home = await mkdtemp(join(init.workDirectory, 'browser-'))
  try {
    await writeTrustStore(home, init)
    init.signal.throwIfAborted()
    const context = await playwright.launchPersistentContext(join(home, 'profile'), {
      executablePath: init.browser.chromium,
      args: chromiumArguments(init.names),
      env: { HOME: home, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      viewport: VIEWPORT,
      timeout: LAUNCH_TIMEOUT_MS,
      // The programs that use this end in their own way at a signal, and dispose of what they opened.
      handleSIGHUP: false,
      handleSIGINT: false,
      handleSIGTERM: false,
    })
    const close = async (): Promise<void> => {
      await context.close()
      await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    }
    return { context, [Symbol.asyncDispose]: close }
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
}

/** Beside those that Playwright gives: none of either has to do with certificates. */
function chromiumArguments(names: ReadonlyMap<string, string>): string[] {
  const rules = [
    ...[...names].map(([name, address]) => `MAP ${name} ${address}`),
    'MAP * ~NOTFOUND',
    'EXCLUDE 127.0.0.1',
  ]
  return [
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--host-resolver-rules=${rules.join(', ')}`,
  ]
}

/** The NSS database where Chromium on Linux looks for what its user trusts. */
async function writeTrustStore(home: string, init: ChromiumInit): Promise<void> {
  const database = join(home, '.pki', 'nssdb')
  await mkdir(database, { recursive: true })
  const certutil = (...words: readonly string[]): Promise<void> =>
    runProgram(init.browser.certutil, ['-d', `sql:${database}`, ...words], {
      environment: { HOME: home, PATH: '/usr/bin:/bin' },
      signal: init.signal,
    })
  await certutil('-N', '--empty-password')
  const roots = init.roots.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  for (const [index, root] of roots.entries()) {
    const file = join(home, `root-${index + 1}.pem`)
    await writeFile(file, `${root}\n`)
    // C: a CA that may certify servers.
    await certutil('-A', '-t', 'C,,', '-n', `root ${index + 1}`, '-i', file)
  }
}
