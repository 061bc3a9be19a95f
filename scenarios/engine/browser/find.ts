import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { findAptGet, installPackages } from '../machine/apt.ts'
import { findProgram, UnavailableError, type Machine } from '../machine/machine.ts'
import { printed, QUESTION_TIMEOUT_MS } from '../machine/program.ts'

/** The programs that a visit by a browser takes. */
export interface Browser {
  /** The program, and how people know it: `Chromium 156.0.8078.79`. */
  readonly chromium: string
  readonly description: string
  /** Writes the browser's trust store. */
  readonly certutil: string
}

/** No browser can be had on this machine. */
export class BrowserUnavailableError extends UnavailableError {
  override readonly name = 'BrowserUnavailableError'
}

/** All are Chromium, and trust what the user's NSS database says. */
const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const DEBIAN_FOLDER = '/usr/bin'
const SAID_LENGTH_MAX = 200

/**
 * The browser that CHROMIUM_BIN names, the first on PATH, or Debian's, which is installed where we may.
 *
 * @throws {BrowserUnavailableError} when there is none: one line that says how to get one
 */
export async function findBrowser(machine: Machine): Promise<Browser> {
  if (process.platform !== 'linux') {
    throw new BrowserUnavailableError(
      `no test browser can be had on ${process.platform}: only on Linux does Chromium take a root certificate from a folder of the test's own, so run this scenario on Linux or in a Linux container`,
    )
  }
  const named = machine.machineEnvironment?.['CHROMIUM_BIN']
  if (named !== undefined && named !== '') return await namedBrowser(named, machine)
  const path = machine.path ?? ''
  const { chromium, certutil } = await lookFor(path)
  if (chromium !== undefined && certutil !== undefined) return await described(chromium, certutil)
  const missing = [
    ...(chromium === undefined ? ['chromium'] : []),
    ...(certutil === undefined ? ['libnss3-tools'] : []),
  ]
  const aptGet = await findAptGet(path)
  if (aptGet === undefined || process.getuid?.() !== 0) throw unavailable(missing)
  try {
    await installPackages({ aptGet, what: 'the browser', packages: missing }, machine)
  } catch (error) {
    machine.signal.throwIfAborted()
    throw unavailable(missing, error instanceof Error ? error.message : String(error))
  }
  const installed = await lookFor(`${path}:${DEBIAN_FOLDER}`)
  if (installed.chromium === undefined || installed.certutil === undefined) {
    throw unavailable(missing, 'apt-get installed them, but the programs are not there')
  }
  return await described(installed.chromium, installed.certutil)
}

/** What is missing, as one line that says how to get it; `missing` are Debian's names. */
export function unavailableMessage(missing: readonly string[], tried?: string): string {
  const failure =
    tried === undefined ? '' : ` (tried apt-get: ${tried.replace(/\s+/g, ' ').trim()})`
  const chromium = missing.includes('chromium')
    ? ', or set CHROMIUM_BIN to a Chromium or Chrome program or put `chromium` on PATH'
    : ''
  return `no browser can be had, ${missing.join(' and ')} missing${failure}: run \`sudo apt-get install ${missing.join(' ')}\` (Debian)${chromium}${
    missing.includes('libnss3-tools') ? '; `certutil` is in nss-tools (Fedora) or nss (Arch)' : ''
  }`
}

function unavailable(missing: readonly string[], tried?: string): BrowserUnavailableError {
  return new BrowserUnavailableError(unavailableMessage(missing, tried))
}

/** What a person named is never replaced by something else. */
async function namedBrowser(named: string, machine: Machine): Promise<Browser> {
  const executable = await access(named, constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!executable) {
    throw new BrowserUnavailableError(
      `no browser can be had: CHROMIUM_BIN is "${named}", wanted an executable Chromium or Chrome`,
    )
  }
  const { certutil } = await lookFor(machine.path ?? '')
  if (certutil === undefined) throw unavailable(['libnss3-tools'])
  return await described(named, certutil)
}

async function lookFor(
  path: string,
): Promise<{ readonly chromium: string | undefined; readonly certutil: string | undefined }> {
  const found = await Promise.all(CHROMIUM_NAMES.map((name) => findProgram(name, path)))
  return {
    chromium: found.find((program) => program !== undefined),
    certutil: await findProgram('certutil', path),
  }
}

async function described(chromium: string, certutil: string): Promise<Browser> {
  const said = await printed(chromium, ['--version'])
  const version = /(?:Chromium|Google Chrome) \d[\d.]*/.exec(said)?.[0]
  if (version === undefined) {
    const words = said.replace(/\s+/g, ' ').trim().slice(0, SAID_LENGTH_MAX)
    const answer =
      words === '' ? `said nothing within ${QUESTION_TIMEOUT_MS / 1_000} s` : `said "${words}"`
    throw new BrowserUnavailableError(
      `no browser can be had: "${chromium}" is no Chromium or Chrome that starts here (--version ${answer}); set CHROMIUM_BIN to one`,
    )
  }
  return { chromium, certutil, description: `${version} (${chromium})` }
}
