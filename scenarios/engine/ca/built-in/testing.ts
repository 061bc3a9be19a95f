// A built-in CA of a test, with a DNS server that says what the test wants and a client without opinions.
import type { Test } from 'tap'
import { createHttpsCertificate } from '../https-certificate.ts'
import { freePorts } from '../ports.ts'
import { RawClient } from '../table/raw-client.ts'
import { answerDns, TableWorld, type Sayings, type TableCa } from '../table/world.ts'
import { upstream } from '../testing.ts'
import type { BuiltInCaOptions } from './options.ts'
import { BuiltInCa } from './server.ts'

export interface Started {
  readonly ca: BuiltInCa
  readonly client: RawClient
  readonly sayings: Sayings
  readonly seen: TableCa
  readonly lines: readonly string[]
}

/** Starts a CA for the length of the test. */
export async function startCa(
  t: Test,
  {
    https: wanted = true,
    ...options
  }: Partial<BuiltInCaOptions> & { https?: boolean | 'in-front' } = {},
): Promise<Started> {
  const sayings: Sayings = new Map()
  const resolver = await upstream(t, (asked, by) => answerDns(sayings, asked, by))
  const https = await createHttpsCertificate()
  const [port] = await freePorts()
  const lines: string[] = []
  const ca = new BuiltInCa({
    host: '127.0.0.1',
    port,
    ...(wanted === false ? {} : { https: wanted === true ? https : wanted }),
    options: { resolver, ...options },
    onLog: (line) => lines.push(line),
  })
  await ca.start()
  t.teardown(() => ca.kill())
  const seen: TableCa = {
    directoryUrl: ca.directoryUrl,
    certificateAuthority: https.certificate,
    rootCertificates: async () => ca.rootCertificates.join(''),
  }
  const client = new RawClient(seen)
  t.teardown(() => client.close())
  return { ca, client, sayings, seen, lines }
}

/** The same with two accounts. */
export async function openCa(
  t: Test,
  options: Partial<BuiltInCaOptions> = {},
): Promise<Started & { readonly world: TableWorld }> {
  const started = await startCa(t, options)
  const world = await TableWorld.open(started.seen, started.sayings)
  t.teardown(() => world.client.close())
  return { ...started, world }
}
