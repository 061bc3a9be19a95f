// A real browser as a visitor of a world. It is what nodetrust is for: nothing but a certificate that the browser trusts
// by itself lets a page open a WebSocket to a node.
//
// The page is an application of its own (`page/`), bundled when it is needed. Chromium gets the CA's root into the trust
// store of a home of its own, and addresses for names by its own resolver rules; no flag skips a check.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TraceEntry } from '../trace.ts'
import type { World } from '../world.ts'
import { servePage } from './build-page.ts'
import { openChromium } from './chromium.ts'
import { findBrowser } from './find.ts'
import { openVisit } from './visit.ts'

export { BrowserUnavailableError, findBrowser } from './find.ts'

/** The two browsers, as the timeline calls them: one knows the CA, one does not. */
export const BROWSER = 'browser'
export const STRANGER = 'stranger'

/** Longest visit, from the start of the browser to its last ping, in ms. */
const VISIT_MS_MAX = 50_000
/** Ignored by git; a picture of the last run on each transport stays there. */
const PICTURE_FOLDER = fileURLToPath(new URL('../../../.cache/browser', import.meta.url))

/**
 * Has two browsers visit the world's first client: one without the CA's root, which must refuse, and one with it, which
 * finds all other clients from there. Ends when each has done what it will do.
 */
export async function visitByBrowser(world: World): Promise<void> {
  const { trace, workDirectory } = world
  const browser = await findBrowser(world.machine)
  const [first] = world.clients
  const dial = first?.node.services.nodetrust?.addresses[0]?.toString()
  if (dial === undefined) throw new Error('no client has an address that a browser can dial')
  await using page = await servePage(join(workDirectory, 'page'))
  const common = { browser, workDirectory, names: await addressesOfNames(world) }

  const visit = async (host: string, roots: string, ended: () => boolean): Promise<void> => {
    const signal = AbortSignal.any([world.signal, AbortSignal.timeout(VISIT_MS_MAX)])
    await using chromium = await openChromium({ ...common, roots, signal })
    trace.record(host, 'browser:opened', {
      description: browser.description,
      roots: roots === '' ? 'does not know the CA' : 'trusts the CA',
    })
    const opened = await openVisit({
      context: chromium.context,
      pageUrl: page.url,
      dial,
      host,
      trace,
    })
    try {
      await trace.waitFor((entry) => entry.host === host && ended(), signal)
    } finally {
      // A visit that does not end is worth a look too.
      const picture = await opened.screenshot({ fullPage: true })
      await writeFile(join(workDirectory, `${host}.png`), picture)
      await mkdir(PICTURE_FOLDER, { recursive: true })
      const name = `${host}-${world.driver.name}.png`
      await writeFile(join(PICTURE_FOLDER, name), picture)
      trace.record(host, 'browser:pictured', { file: `.cache/browser/${name}` })
    }
  }

  const of = (host: string): TraceEntry[] => trace.entries.filter((entry) => entry.host === host)
  await visit(STRANGER, '', () =>
    of(STRANGER).some(({ event }) => event === 'browser:failed' || event === 'browser:pinged'),
  )
  await visit(BROWSER, await world.rootCertificates(), () => {
    const done = of(BROWSER).filter(
      ({ event }) => event === 'browser:pinged' || event === 'browser:failed',
    )
    return (
      done.some(({ event }) => event === 'browser:failed') ||
      world.clients.every(({ peerId }) => done.some(({ detail }) => detail['peer'] === peerId))
    )
  })
}

/** What the public DNS says of each announced name, and where that address is on this machine. */
async function addressesOfNames(world: World): Promise<ReadonlyMap<string, string>> {
  const addresses = new Map<string, string>()
  for (const { name } of world.announcements) {
    const [address] = await world.resolve(name)
    if (address !== undefined) addresses.set(name, world.driver.socketAddress(address))
  }
  return addresses
}
