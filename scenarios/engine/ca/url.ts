// A CA that somebody else runs, given by its directory's URL. It can be used, and neither paused nor read.
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { AcmeCa, AcmeCaOptions } from './acme-ca.ts'
import { getText } from './https-text.ts'

const REQUEST_TIMEOUT_MS = 10_000

export async function openUrl(text: string, options: AcmeCaOptions): Promise<AcmeCa> {
  const { href: directoryUrl } = checkAcmeUrl(text, options.publicCa)
  const certificateAuthority = await pemFile(options.acmeCertificateAuthority)
  const roots = await pemFile(options.acmeRootCertificates)
  const { status } = await getText(directoryUrl, {
    certificateAuthority,
    timeoutMs: REQUEST_TIMEOUT_MS,
    signal: options.signal,
  })
  if (status !== 200) {
    throw new Error(`"${directoryUrl}" answers ${status}, wanted 200 and an ACME directory`)
  }
  return {
    kind: 'url',
    description: `the ACME CA at ${directoryUrl}`,
    directoryUrl,
    certificateAuthority,
    controllable: false,
    logFile: undefined,
    rootCertificates: async () => roots,
    logs: () => '',
    restart: notOurs,
    pause: notOurs,
    resume: notOurs,
    kill: notOurs,
    start: notOurs,
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

/**
 * A scenario orders many certificates and breaks things on purpose: against a public CA that burns a limit
 * of 50 a week, publishes every name, and may lock the account. So a host counts as public unless it
 * cannot be, and a public one must be named a second time.
 *
 * @throws {Error} where the URL is not one, not https, or of a public CA that was not named
 */
export function checkAcmeUrl(text: string, publicCa?: string): URL {
  if (!URL.canParse(text)) throw new Error(`--acme is "${text}", wanted an https URL`)
  const url = new URL(text)
  // RFC 8555 §6.1: each communication between an ACME client and an ACME server is over HTTPS.
  if (url.protocol !== 'https:') throw new Error(`--acme is "${text}", wanted an https URL`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isTestHost(host) || host === publicCa) return url
  throw new Error(
    `"${host}" may be a production CA, wanted a staging or private one; name the host explicitly to use it all the same`,
  )
}

/** Where public CAs issue what no browser trusts. By their whole names: anybody can have a name with "staging" in it. */
const STAGING_HOSTS: readonly string[] = [
  'acme-staging-v02.api.letsencrypt.org',
  'dv.acme-v02.test-api.pki.goog',
  'api.test4.buypass.no',
]

/** Whether a host cannot be a public production CA: loopback, private, or a known test. */
export function isTestHost(host: string): boolean {
  if (isIP(host) !== 0) {
    const range = ipaddr.process(host).range()
    return TEST_RANGES.includes(range)
  }
  // RFC 6761, RFC 6762 and RFC 9476 names are never public; a single label is a name of the local network.
  if (!host.includes('.')) return true
  if (/\.(test|localhost|local|internal|alt|invalid|example)$/.test(host)) return true
  return STAGING_HOSTS.includes(host)
}

/** Nobody has such addresses on the Internet; those of documents are `reserved`. */
const TEST_RANGES: readonly string[] = ['loopback', 'private', 'uniqueLocal', 'reserved']

async function pemFile(file: string | undefined): Promise<string> {
  if (file === undefined) return rootCertificates.join('\n')
  const pem = await readFile(file, 'utf8')
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(`"${file}" holds no certificate, wanted PEM`)
  }
  return pem
}

async function notOurs(): Promise<void> {
  throw new Error('a CA given by URL cannot be controlled, wanted Pebble started by this run')
}
