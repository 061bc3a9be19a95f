// The built-in CA is held to Pebble: the same rows for both, and each difference has its reason. With PEBBLE_BIN it is
// another Pebble. acme-client, which is nobody's here, obtains a certificate from each.
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as acme from 'acme-client'
import { t, test, type Test } from 'tap'
import { caOptionsFromEnvironment, openAcmeCa, type AcmeCa, type AcmeCaOptions } from '../index.ts'
import { upstream } from '../testing.ts'
import { outcome, type Row, type Subject } from './row.ts'
import { accountRows } from './rows-accounts.ts'
import { certificateRows } from './rows-certificates.ts'
import { makeKey, RawClient } from './raw-client.ts'
import { OFFERS, offerRows } from './rows-offers.ts'
import { orderRows } from './rows-orders.ts'
import { requestRows } from './rows-requests.ts'
import { validationRows } from './rows-validation.ts'
import { answerDns, TableWorld, type Sayings } from './world.ts'

// The first run on a machine installs Pebble, and a Pebble waits two seconds for a silent DNS server.
t.setTimeout(300_000)

const ROWS: readonly Row[] = [
  ...requestRows,
  ...accountRows,
  ...orderRows,
  ...validationRows,
  ...certificateRows,
]

const CAS: readonly (readonly [string, Partial<AcmeCaOptions>])[] = [
  ['Pebble', {}],
  ['the built-in CA', { only: 'built-in' }],
]

for (const [name, options] of CAS) {
  test(`the table of ACME holds for ${name}`, async (t) => {
    await hold(t, ROWS, await open(t, options))
  })

  test(`the rows of accounts bound to others and of profiles hold for ${name}`, async (t) => {
    await hold(t, offerRows, await open(t, { ...OFFERS, ...options }))
  })

  test(`${name} makes no account without a binding where it wants one`, async (t) => {
    const { ca } = await open(t, { ...OFFERS, externalAccountRequired: true, ...options })
    const client = new RawClient(ca)
    t.teardown(() => client.close())
    t.equal(outcome(await client.newAccount(makeKey())), '403 externalAccountRequired')
    const { json } = await client.send('GET', ca.directoryUrl)
    t.match(json['meta'], { externalAccountRequired: true })
  })

  test(`${name} has forgotten everything when it is restarted, but its address`, async (t) => {
    const { ca, sayings } = await open(t, options)
    const { client, account, order } = await TableWorld.open(ca, sayings).then(async (world) => ({
      client: world.client,
      account: world.account,
      order: await world.order(),
    }))
    t.teardown(() => client.close())
    const roots = await ca.rootCertificates()
    await ca.restart()
    t.not(await ca.rootCertificates(), roots)
    t.equal(outcome(await client.get(order.url, account)), '400 accountDoesNotExist')
    const again = await client.account(account.key)
    t.not(again.url, account.url)
    t.equal((await client.get(order.url, again)).status, 404)
    const [authorization = ''] = order.authorizations
    t.equal((await client.get(authorization, again)).status, 404)
    t.equal((await client.post(order.finalize, { csr: 'AAAA' }, again)).status, 404)
  })

  test(`acme-client obtains a certificate from ${name}`, async (t) => {
    const { ca, sayings } = await open(t, options)
    acme.axios.defaults.httpsAgent = new Agent({ ca: ca.certificateAuthority })
    const client = new acme.Client({
      directoryUrl: ca.directoryUrl,
      accountKey: await acme.crypto.createPrivateEcdsaKey(),
      backoffMin: 20,
      backoffMax: 200,
    })
    const names = ['one.nt.example', 'two.nt.example', '*.two.nt.example']
    const [, csr] = await acme.crypto.createCsr({ altNames: names })
    const pem = await client.auto({
      csr,
      email: 'table@nt.example',
      termsOfServiceAgreed: true,
      challengePriority: ['dns-01'],
      skipChallengeVerification: true,
      challengeCreateFn: async ({ identifier }, _, value) => {
        const owner = `_acme-challenge.${identifier.value}`
        const before = sayings.get(owner)?.texts ?? []
        sayings.set(owner, { texts: [...before, value] })
      },
      challengeRemoveFn: async () => {},
    })
    const leaf = new X509Certificate(pem)
    for (const name of names) t.ok(leaf.subjectAltName?.includes(`DNS:${name}`), name)
    const [, issuer = ''] = acme.crypto.splitPemChain(pem)
    t.ok(leaf.checkIssued(new X509Certificate(issuer)))
    await client.revokeCertificate(pem, { reason: 4 })
    await t.rejects(client.revokeCertificate(pem), /already been revoked/)
  })
}

async function hold(
  t: Test,
  rows: readonly Row[],
  { ca, sayings }: { readonly ca: AcmeCa; readonly sayings: Sayings },
): Promise<void> {
  const subject = subjectOf(ca)
  const world = await TableWorld.open(ca, sayings)
  t.teardown(() => world.client.close())
  for (const row of rows) {
    const { seen, reason } = row.differs?.[subject] ?? { seen: row.seen, reason: undefined }
    const got = await row.act(world).catch((error: unknown) => String(error))
    t.same(got, seen, `${row.name}${reason === undefined ? '' : ` (${subject}: ${reason})`}`)
  }
}

async function open(
  t: Test,
  options: Partial<AcmeCaOptions>,
): Promise<{ readonly ca: AcmeCa; readonly sayings: Sayings }> {
  const sayings: Sayings = new Map()
  const { address, port } = await upstream(t, (asked, by) => answerDns(sayings, asked, by))
  const workDirectory = await mkdtemp(join(tmpdir(), 'nodetrust-table-'))
  t.teardown(() => rm(workDirectory, { recursive: true, force: true }))
  const ca = await openAcmeCa({
    ...caOptionsFromEnvironment(process.env),
    resolver: `${address}:${port}`,
    workDirectory,
    environment: { PEBBLE_ALTERNATE_ROOTS: '1' },
    signal: AbortSignal.timeout(280_000),
    report: (line) => t.comment(line),
    ...options,
  })
  t.teardown(() => ca.stop())
  return { ca, sayings }
}

function subjectOf({ kind, description }: AcmeCa): Subject {
  if (kind === 'built-in') return kind
  // Versions between are like the newer one in most rows; those that are not will be told.
  const minor = Number(/^Pebble 2\.(\d+)/.exec(description)?.[1] ?? 10)
  return minor <= 4 ? 'Pebble 2.4' : 'Pebble 2.10'
}
