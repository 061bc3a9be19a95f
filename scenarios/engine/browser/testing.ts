import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import type { Machine } from '../machine/machine.ts'
import { openChromium } from './chromium.ts'
import { findBrowser } from './find.ts'

/** A page of a file, in a browser of its own. */
export interface OpenPage extends AsyncDisposable {
  readonly tab: Page
  /** Errors of its script, and whatever it asked a network for. */
  readonly problems: readonly string[]
}

/** Opens a file as a person does who was sent it. */
export async function openPage(file: string, machine: Machine): Promise<OpenPage> {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-page-'))
  const chromium = await openChromium({
    browser: await findBrowser(machine),
    workDirectory,
    roots: '',
    names: new Map(),
    signal: machine.signal,
  })
  const tab = await chromium.context.newPage()
  const problems: string[] = []
  tab.on('pageerror', (error) => problems.push(error.message))
  tab.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  tab.on('request', (request) => {
    if (!request.url().startsWith('file:')) problems.push(`asked for ${request.url()}`)
  })
  await tab.setViewportSize({ width: 1240, height: 900 })
  await tab.goto(pathToFileURL(file).href)
  return {
    tab,
    problems,
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]()
      await rm(workDirectory, { recursive: true, force: true })
    },
  }
}
