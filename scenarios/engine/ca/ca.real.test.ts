// A real Pebble as a child process: its life, its deaths, and what a run is told of them.
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as acme from 'acme-client'
import * as dnsPacket from 'dns-packet'
import { t, test } from 'tap'
import type { Test } from 'tap'
import { getText } from './https-text.ts'
import { CaUnavailableError, caOptionsFromEnvironment, openAcmeCa, openResolver } from './index.ts'
import type { AcmeCa, AcmeCaOptions } from './index.ts'
import { upstream } from './testing.ts'

// The first run on a machine installs Pebble.
t.setTimeout(300_000)

async function openCa(t: Test, options: Partial<AcmeCaOptions> = {}): Promise<AcmeCa> {
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-ca-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver: '127.0.0.1:9',
    workDirectory,
    signal: AbortSignal.timeout(280_000),
    report: (line) => t.comment(line),
    ...options,
  })
  t.teardown(() => ca.stop())
  return ca
}

async function directoryOf({ directoryUrl, certificateAuthority }: AcmeCa, timeoutMs = 5_000) {
  const { status, text } = await getText(directoryUrl, { certificateAuthority, timeoutMs })
  return status === 200 ? Object.keys(JSON.parse(text)) : []
}

/** Processes that run a Pebble with a file of this CA on their command line. */
async function processesOf({ logFile = '' }: AcmeCa): Promise<readonly number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(dirname(logFile))) found.push(Number(name))
  }
  return found
}

test('Pebble starts, answers its directory, and keeps its secrets to itself', async (t) => {
  const lines: string[] = []
  const ca = await openCa(t, { onLog: (line) => lines.push(line) })
  t.match(ca.description, /^Pebble \d\.[\d.]+ /)
  t.ok((await directoryOf(ca)).includes('newOrder'))
  const root = new X509Certificate(await ca.rootCertificates())
  t.ok(root.ca)
  t.match(lines.join('\n'), /ACME directory available/)
  t.match(ca.logs(), /ACME directory available/)
  t.match(await readFile(ca.logFile ?? '', 'utf8'), /ACME directory available/)
  const key = await stat(join(dirname(ca.logFile ?? ''), 'https-key.pem'))
  t.equal(key.mode & 0o777, 0o600)
})

test('a restart makes a new CA at the same address', async (t) => {
  const ca = await openCa(t, { environment: { PEBBLE_ALTERNATE_ROOTS: '1' } })
  const before = await ca.rootCertificates()
  t.equal(before.match(/BEGIN CERTIFICATE/g)?.length, 2, 'every root is given')
  await ca.restart()
  t.ok((await directoryOf(ca)).includes('newOrder'))
  t.not(await ca.rootCertificates(), before)
})

test('a CA can be frozen, killed and started again, in any order', async (t) => {
  const failures: Error[] = []
  const ca = await openCa(t, { onFailure: (error) => failures.push(error) })
  await ca.pause()
  await t.rejects(directoryOf(ca, 200), { name: 'TimeoutError' })
  await ca.resume()
  t.ok((await directoryOf(ca)).length > 0)
  await ca.kill()
  await t.rejects(directoryOf(ca), { code: 'ECONNREFUSED' })
  await t.rejects(ca.pause(), /start it first/)
  await Promise.all([ca.start(), ca.start(), ca.pause(), ca.kill(), ca.restart()])
  t.ok((await directoryOf(ca)).length > 0, 'calls made at once are carried out in turn')
  t.same(failures, [], 'an end that was asked for is no failure')
})

test('stop leaves no process, also of a paused CA, and may be called again', async (t) => {
  const ca = await openCa(t)
  if (process.platform === 'linux') t.equal((await processesOf(ca)).length, 1)
  await ca.pause()
  await Promise.all([ca.stop(), ca.stop()])
  t.same(process.platform === 'linux' ? await processesOf(ca) : [], [])
  await t.rejects(directoryOf(ca), { code: 'ECONNREFUSED' })
  await t.rejects(ca.start(), /stopped/)
  t.same(
    await readdir(dirname(ca.logFile ?? '')),
    ['pebble.log'],
    'the log stays, the key does not',
  )
})

test(
  'an end that nobody asked for is reported with the last lines',
  { skip: process.platform === 'linux' ? false : 'finds the process in /proc' },
  async (t) => {
    const failed = Promise.withResolvers<Error>()
    const reports: string[] = []
    const ca = await openCa(t, {
      onFailure: failed.resolve,
      report: (line) => reports.push(line),
    })
    const [processId = 0] = await processesOf(ca)
    process.kill(processId, 'SIGKILL')
    const { message } = await failed.promise
    t.match(message, /ended unexpectedly \(signal SIGKILL\).*directory available/)
    t.ok(reports.includes(message))
    await ca.start()
    t.ok((await directoryOf(ca)).length > 0, 'it can be started again')
  },
)

test('a Pebble that ends at once is told with its words, and other programs are refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-ca-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const program = async (name: string, script: string) => {
    const file = join(folder, name)
    await writeFile(file, `#!/bin/sh\n${script}\n`)
    await chmod(file, 0o755)
    return file
  }
  const version = 'if [ "$1" = -version ]; then echo "Pebble version: 2.99.0"; exit; fi'
  const broken = `${version}\necho no luck; exit 3`
  const taken = `${version}\nmkdir '${folder}/seen' || { echo second; exit 4; }
echo 'listen tcp: bind: address already in use'; exit 1`
  const cases = [
    [await program('broken', broken), /ended unexpectedly \(exit 3\); its last lines: no luck/],
    // Ports taken by another program are no reason to give up: it is started again with others.
    [await program('taken', taken), /ended unexpectedly \(exit 4\); its last lines: .*second/],
    [await program('pebble', 'echo service manager'), /is not Pebble/],
    [join(folder, 'missing'), /ENOENT/],
  ] as const
  for (const [pebbleBinary, wanted] of cases) {
    const error = await openCa(t, { pebbleBinary }).catch((reason: unknown) => reason)
    t.type(error, CaUnavailableError)
    t.match(error, { message: wanted })
  }
})

test('an opening can be aborted and leaves nothing', async (t) => {
  const opening = new AbortController()
  const onLog = () => opening.abort(new Error('enough'))
  await t.rejects(openCa(t, { signal: opening.signal, onLog }), { message: 'enough' })
})

test('a certificate is issued by way of the resolver, one DNS server silent, with the validity asked for', async (t) => {
  const values = new Map<string, string>()
  const good = await upstream(t, (asked) => {
    const { id, questions } = dnsPacket.decode(Buffer.from(asked))
    const answers = (questions ?? []).flatMap(({ name }) => {
      const data = values.get(name)
      return data === undefined ? [] : [{ type: 'TXT', name, data } as const]
    })
    return dnsPacket.encode({
      type: 'response',
      ...(id === undefined ? {} : { id }),
      questions,
      answers,
    })
  })
  const servers = [good, await upstream(t, () => undefined)]
  await using resolver = await openResolver({ upstreams: () => servers })
  const ca = await openCa(t, { resolver: resolver.address, certificateValiditySeconds: 3600 })

  acme.axios.defaults.httpsAgent = new Agent({ ca: ca.certificateAuthority })
  const accountKey = await acme.crypto.createPrivateEcdsaKey()
  const client = new acme.Client({
    directoryUrl: ca.directoryUrl,
    accountKey,
    backoffMin: 20,
    backoffMax: 200,
  })
  const [, csr] = await acme.crypto.createCsr({ altNames: ['node.nt.test', 'other.nt.test'] })
  const pem = await client.auto({
    csr,
    email: 'scenario@nt.test',
    termsOfServiceAgreed: true,
    challengePriority: ['dns-01'],
    skipChallengeVerification: true,
    challengeCreateFn: async ({ identifier: { value: name } }, _, value) => {
      values.set(`_acme-challenge.${name}`, value)
    },
    challengeRemoveFn: async () => {},
  })
  const [leaf = '', issuer = ''] = acme.crypto.splitPemChain(pem)
  const certificate = new X509Certificate(leaf)
  t.match(certificate.subjectAltName, /DNS:node\.nt\.test/)
  t.ok(certificate.checkIssued(new X509Certificate(issuer)))
  t.ok(new X509Certificate(issuer).checkIssued(new X509Certificate(await ca.rootCertificates())))
  const validityMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
  t.ok(Math.abs(validityMs - 3_600_000) <= 1_000, `${validityMs} ms`)
  t.ok(resolver.counters.failovers > 0, 'the silent server was asked')
})

test('a CA given by URL is used as it is and refuses to be controlled', async (t) => {
  const pebble = await openCa(t)
  const file = join(dirname(pebble.logFile ?? ''), 'https-certificate.pem')
  const acmeUrl = pebble.directoryUrl
  const ca = await openCa(t, { acmeUrl, acmeCertificateAuthority: file })
  t.equal(ca.kind, 'url')
  t.ok((await directoryOf(ca)).includes('newOrder'))
  await t.rejects(ca.restart(), /cannot be controlled/)
  await t.rejects(openCa(t, { acmeUrl }), CaUnavailableError, 'its certificate is checked')

  const silent = createServer().listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const bound = silent.address()
  const port = typeof bound === 'object' ? bound?.port : undefined
  const signal = AbortSignal.timeout(300)
  await t.rejects(openCa(t, { acmeUrl: `https://127.0.0.1:${port}/`, signal }), {
    name: 'TimeoutError',
  })
})
