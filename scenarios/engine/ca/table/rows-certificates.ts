// Finalization, certificates, revocation and renewal: RFC 8555 sections 7.4 and 7.6, RFC 9773.
import { X509Certificate } from 'node:crypto'
import { certificateId } from './certificate-id.ts'
import { makeKey, type Account, type Key } from './raw-client.ts'
import { makeCsr } from './requests.ts'
import { bothPebbles, outcome, type Row } from './row.ts'
import type { TableWorld } from './world.ts'

async function finalized(
  world: TableWorld,
  makeRequest: (name: string) => Promise<string>,
): Promise<readonly string[]> {
  const name = world.name()
  const { url, finalize } = await world.ready([name])
  const reply = await world.client.post(finalize, { csr: await makeRequest(name) }, world.account)
  const after = await world.settled(url, ['processing'])
  return [outcome(reply), String(after.json['status'])]
}

async function revoke(
  { client }: TableWorld,
  pem: string,
  who: Account | { readonly key: Key },
  reason?: number,
): Promise<string> {
  const certificate = new X509Certificate(pem).raw.toString('base64url')
  const payload = { certificate, ...(reason === undefined ? {} : { reason }) }
  return outcome(await client.post(await client.url('revokeCert'), payload, who))
}

const blocks = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\s)/)
    .filter((block) => block.includes('BEGIN'))
    .map((block) => new X509Certificate(block))

export const certificateRows: readonly Row[] = [
  {
    name: 'finalization names the order, and leads to a certificate',
    act: async (world) => {
      const { finalized: reply, valid, order } = await world.issued()
      return [
        reply.status,
        ['processing', 'valid'].includes(String(reply.json['status'])),
        reply.headers.location === order.url,
        valid.json['status'],
      ]
    },
    seen: [200, true, true, 'valid'],
    differs: {
      'Pebble 2.10': {
        seen: [200, true, false, 'valid'],
        reason: 'it no longer says Location, which RFC 8555 section 7.4 does not ask for either',
      },
    },
  },
  {
    name: 'a certificate is for the names and the key of the request, and its chain leads to a root',
    act: async (world) => {
      const names = [world.name(), world.name()]
      const { pem, key, chain } = await world.issued({ names })
      const certificates = blocks(pem)
      const [leaf] = certificates
      const roots = blocks(await world.ca.rootCertificates())
      return [
        chain.headers['content-type']?.startsWith('application/pem-certificate-chain'),
        names.every((name) => leaf?.checkHost(name) === name),
        leaf?.checkPrivateKey(key.privateKey),
        leaf?.ca,
        certificates
          .slice(1)
          .every((issuer, index) => certificates[index]?.verify(issuer.publicKey)),
        roots.some((root) => certificates.at(-1)?.verify(root.publicKey)),
        leaf !== undefined && leaf.validFromDate.getTime() <= Date.now() + 1000,
        leaf !== undefined && leaf.validToDate.getTime() > Date.now(),
      ]
    },
    seen: [true, true, true, false, true, true, true, true],
  },
  {
    name: 'certificates have no common name',
    act: async (world) => {
      const { pem } = await world.issued()
      return /CN=/.test(new X509Certificate(pem).subject ?? '')
    },
    seen: false,
    differs: { 'Pebble 2.4': { seen: true, reason: 'the common name is gone since 2.5' } },
  },
  {
    name: 'each root has its chain, and the others are linked',
    act: async (world) => {
      const { chain, pem } = await world.issued()
      const [alternate = ''] = chain.links('alternate')
      const other = await world.client.get(alternate, world.account)
      const [one, two] = [blocks(pem), blocks(other.text)]
      return [
        chain.links('alternate').length,
        other.status,
        one[0]?.fingerprint256 === two[0]?.fingerprint256,
        one.at(-1)?.issuer === two.at(-1)?.issuer,
      ]
    },
    seen: [1, 200, true, false],
  },
  {
    name: 'a certificate is given to its account alone, and to POST-as-GET alone',
    act: async (world) => {
      const { url } = await world.issued()
      return [
        outcome(await world.client.get(url, world.stranger)),
        (await world.client.send('GET', url)).status,
      ]
    },
    seen: ['403 unauthorized', 405],
  },
  {
    name: 'a request for fewer, more or other names is refused, and the order stays ready',
    act: async (world) => [
      await finalized(world, (name) =>
        makeCsr({ names: [name, 'more.nt.example'], key: makeKey() }),
      ),
      await finalized(world, () => makeCsr({ names: ['other.nt.example'], key: makeKey() })),
      await finalized(world, () => makeCsr({ names: [], key: makeKey() })),
    ],
    seen: Array.from({ length: 3 }, () => ['403 unauthorized', 'ready']),
  },
  {
    name: 'what is no request is refused, and the order stays ready',
    act: async (world) => [
      await finalized(world, async () => 'AAAA'),
      await finalized(world, async () => '+++'),
    ],
    seen: [
      ['400 malformed', 'ready'],
      ['400 malformed', 'ready'],
    ],
  },
  {
    name: 'a request that is not signed by its key is refused',
    act: (world) =>
      finalized(world, (name) => makeCsr({ names: [name], key: makeKey(), signature: 'broken' })),
    seen: ['400 badCSR', 'ready'],
    differs: {
      'Pebble 2.4': { seen: ['200', 'valid'], reason: 'it looks at the signature since 2.5' },
    },
  },
  {
    name: 'a request with a common name that is not among its names is refused',
    act: (world) =>
      finalized(world, (name) =>
        makeCsr({ names: [name], key: makeKey(), commonName: 'other.nt.example' }),
      ),
    seen: ['403 unauthorized', 'ready'],
    differs: bothPebbles(
      ['200', 'valid'],
      'it ignores the common name; Boulder takes it for one more name',
    ),
  },
  {
    name: 'a request with a key that is too weak is refused',
    act: (world) =>
      finalized(world, (name) => makeCsr({ names: [name], key: makeKey('RS256', 1024) })),
    seen: ['400 badCSR', 'ready'],
    differs: bothPebbles(['200', 'valid'], 'it does not look; public CAs do'),
  },
  {
    name: 'a request with the key of an account is refused',
    act: (world) => finalized(world, (name) => makeCsr({ names: [name], key: world.account.key })),
    seen: ['400 badCSR', 'ready'],
  },
  {
    name: 'an order that is valid is not finalized again',
    act: async (world) => {
      const { order } = await world.issued()
      return outcome(await world.client.post(order.finalize, { csr: 'AAAA' }, world.account))
    },
    seen: '403 orderNotReady',
  },
  {
    name: 'a certificate ends when the order says so',
    act: async (world) => {
      const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 7_200_000)
      const { pem } = await world.issued({ more: { notAfter: end.toISOString() } })
      return new X509Certificate(pem).validToDate.getTime() === end.getTime()
    },
    seen: true,
  },
  {
    name: 'a certificate is revoked by its account, once, with a reason that there is',
    act: async (world) => {
      const { pem } = await world.issued()
      const { account, stranger } = world
      return [
        await revoke(world, pem, account, 7),
        await revoke(world, pem, stranger, 4),
        await revoke(world, pem, { key: makeKey() }, 4),
        await revoke(world, pem, account, 4),
        await revoke(world, pem, account, 4),
      ]
    },
    seen: [
      '400 badRevocationReason',
      '403 unauthorized',
      '403 unauthorized',
      '200',
      '400 alreadyRevoked',
    ],
  },
  {
    name: 'a certificate is revoked by its key',
    act: async (world) => {
      const { pem, key } = await world.issued()
      return await revoke(world, pem, { key })
    },
    seen: '200',
  },
  {
    name: 'a certificate is revoked by another account that may have all of its names',
    act: async (world) => {
      const names = [world.name()]
      const { pem } = await world.issued({ names })
      await world.issued({ names, account: world.stranger })
      return await revoke(world, pem, world.stranger)
    },
    seen: '200',
    differs: bothPebbles('403 unauthorized', 'not done yet there; RFC 8555 section 7.6 wants it'),
  },
  {
    name: 'a certificate that is none of the CA is not revoked',
    act: async (world) => await revoke(world, world.ca.certificateAuthority, world.account),
    seen: '400 malformed',
  },
  {
    name: 'a revoked certificate is still given to its account',
    act: async (world) => {
      const { pem, url } = await world.issued()
      await revoke(world, pem, world.account)
      return (await world.client.get(url, world.account)).status
    },
    seen: 200,
    differs: { 'Pebble 2.4': { seen: 404, reason: 'the certificate goes when it is revoked' } },
  },
  {
    name: 'renewal information is a window within the lifetime, to be looked at again later',
    act: async (world) => {
      const { pem } = await world.issued()
      const url = `${await world.client.url('renewalInfo')}/${certificateId(pem)}`
      if (!URL.canParse(url)) return 'none'
      const reply = await world.client.send('GET', url)
      const window = reply.json['suggestedWindow'] as {
        readonly start: string
        readonly end: string
      }
      const [start, end] = [Date.parse(window.start), Date.parse(window.end)]
      const { validFromDate, validToDate } = new X509Certificate(pem)
      return [
        reply.status,
        start < end && start >= validFromDate.getTime() && end <= validToDate.getTime(),
        Number(reply.headers['retry-after']) > 0,
        outcome(await world.client.send('GET', url.replace(/\.[\w-]+$/, '.AAAA'))),
        outcome(await world.client.send('GET', url.replace(/[^/]+$/, 'nothing'))),
      ]
    },
    seen: [200, true, true, '404 malformed', '400 malformed'],
    differs: { 'Pebble 2.4': { seen: 'none', reason: 'ARI came with 2.6' } },
  },
  {
    name: 'a revoked certificate is to be renewed at once',
    act: async (world) => {
      const { pem } = await world.issued()
      await revoke(world, pem, world.account)
      const url = `${await world.client.url('renewalInfo')}/${certificateId(pem)}`
      if (!URL.canParse(url)) return 'none'
      const { json } = await world.client.send('GET', url)
      return Date.parse((json['suggestedWindow'] as { readonly end: string }).end) < Date.now()
    },
    seen: true,
    differs: { 'Pebble 2.4': { seen: 'none', reason: 'ARI came with 2.6' } },
  },
  {
    name: 'an order replaces a certificate of its account and of one of its names, once',
    act: async (world) => {
      const { client, account, stranger } = world
      const names = [world.name()]
      const { pem } = await world.issued({ names })
      const more = { replaces: certificateId(pem) }
      const foreign = await client.newOrder(stranger, names, more)
      const other = await client.newOrder(account, [world.name()], more)
      const { order } = await world.issued({ names, more })
      const again = await client.newOrder(account, names, more)
      return [
        outcome(foreign),
        outcome(other),
        order.reply.json['replaces'] === more.replaces,
        outcome(again),
      ]
    },
    seen: ['403 unauthorized', '400 malformed', true, '409 alreadyReplaced'],
    differs: {
      'Pebble 2.4': {
        seen: ['201', '201', false, '201'],
        reason: '2.4 ignores replaces; later ones fail where no name is shared',
      },
      'Pebble 2.10': {
        seen: ['403 unauthorized', '500 serverInternal', true, '409 alreadyReplaced'],
        reason: '2.4 ignores replaces; later ones fail where no name is shared',
      },
    },
  },
]
