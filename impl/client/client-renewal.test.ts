// A client that has had a certificate: renewals, restarts, and addresses that change.
import 'reflect-metadata'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { test } from 'tap'
import { observedAddress } from '../wire/addresses.ts'
import type { IssueResponse } from '../wire/messages.ts'
import {
  certify,
  createClient,
  createServer,
  provenAt,
  serveIssue,
  serveProofs,
  serveRenewal,
  ZONE,
} from './testing.ts'
import {
  ADDRESS,
  ADDRESS_NAME,
  authority,
  createWorld,
  handshake,
  listenerPort,
  next,
  publicKeys,
  start,
} from './testing-client.ts'

test('NT-CLIENT-014 an address of the other family that cannot be proven at first is proven later', async (t) => {
  const issue = await createServer()
  t.teardown(() => issue.stop())
  const server = await createServer('/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0')
  t.teardown(() => server.stop())
  let broken = 2
  await serveProofs(server, async (connection) => {
    const { address = '', family } = observedAddress(connection.remoteAddr) ?? {}
    if (family === 6 && broken-- > 0) throw new Error('it fails for a while')
    return await provenAt(() => server, address)(connection)
  })
  await serveIssue(issue, {
    proofServers: [server],
    answer: async (request, caller) => await certify(authority, request, caller),
  })
  const client = await start(t, {
    issueServers: issue.getMultiaddrs(),
    retry: { initialMs: 1, maximumMs: 1_000 },
  })
  const names: (readonly string[])[] = []
  const both = Promise.withResolvers<void>()
  for (const event of ['certificate:obtained', 'certificate:renewed'] as const) {
    client.services.nodetrust.addEventListener(event, ({ detail }) => {
      names.push(detail.names.slice(1))
      if (detail.names.length === 3) both.resolve()
    })
  }
  await both.promise
  t.same(names, [[`ip4127-0-0-1.${ZONE}`], [`ip4127-0-0-1.${ZONE}`, `ip6--1.${ZONE}`]])
  t.equal(broken, -1, 'asked three times over IPv6')
})

test('NT-CLIENT-012 a renewed certificate takes over on the live port and connections stay', async (t) => {
  let notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 6_000)
  const { issueServers, requests } = await createWorld(t, {
    flaws: () => ({ notBefore: new Date(Date.now() - 3_000), notAfter }),
  })
  const client = await start(t, { issueServers })
  const first = await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  const [name = ''] = first.names
  const open = connect({ host: '127.0.0.1', port, servername: name, ca: [authority.root] })
  t.teardown(() => open.destroy())
  await once(open, 'secureConnect')
  let closed = false
  open.once('close', () => {
    closed = true
  })
  const key = open.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'pem' })

  notAfter = new Date(Date.now() + 3_600_000)
  const renewed = await next(client, 'certificate:renewed')
  t.ok(Date.now() < first.notAfter, 'before the first one ended')
  t.not(renewed.serial, first.serial)
  t.equal((await handshake(port, name)).serialNumber.toLowerCase(), renewed.serial)
  t.equal(listenerPort(client), port)
  t.equal(closed, false, 'the connection from before is still open')
  open.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const [answer] = (await once(open, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1.1 400/, 'and is served')
  t.equal(requests.length, 2)
  t.not(client.services.nodetrust.certificate?.key, key, 'a renewal has a new key')
})

test('NT-CLIENT-012 NT-CLIENT-015 a server that gives the old certificate for a renewal is not asked without end', async (t) => {
  let given: IssueResponse | undefined
  const { issueServers, requests } = await createWorld(t, {
    answer: async (request, caller) => {
      given ??= await certify(authority, request, caller, {
        // Renewal has been due for an hour.
        notBefore: new Date(Date.now() - 10 * 3_600_000),
        notAfter: new Date(Date.now() + 4 * 3_600_000),
      })
      return given
    },
  })
  const client = await start(t, { issueServers, csr: false, retry: { initialMs: 60_000 } })
  const { reason, retryAt } = await next(client, 'certificate:failed')
  t.match(reason, /the one that is to be renewed/)
  t.ok((retryAt ?? 0) > Date.now() + 20_000)
  t.equal(requests.length, 2)
  t.ok(client.services.nodetrust.certificate, 'it is served all the same')
})

test('NT-CLIENT-012 a certificate is renewed when the issue server says so, before or after the usual time', async (t) => {
  const { issueServers, issue, requests } = await createWorld(t)
  // Another one, which is asked first: it does not know the protocol, as those of 2018.
  const other = await createWorld(t, { answer: async () => ({ error: 9 }) })
  const client = await start(t, {
    issueServers: [...other.issueServers, ...issueServers],
    announce: false,
  })
  const first = await next(client, 'certificate:obtained')
  const asked: string[] = []
  let renewAt = first.notAfter
  await serveRenewal(issue, (serial) => {
    asked.push(serial)
    return { error: 0, renewAt }
  })
  const advised = async () => {
    // As 6 h later: the client asks at its start too.
    await client.stop()
    const told = next(client, 'renewal:advised')
    await client.start()
    return await told
  }
  const { serial } = first
  const lifetimeMs = first.notAfter - first.notBefore
  t.match(await advised(), { serial, renewAt: first.notBefore + lifetimeMs * 0.9 }, 'not too late')
  t.equal(asked[0], serial)
  t.equal(requests.length, 1)

  renewAt = Date.now() - 1
  const renewed = next(client, 'certificate:renewed')
  t.equal((await advised()).renewAt, renewAt)
  const second = await renewed
  t.not(second.serial, serial)
  t.equal(requests.length, 2)
  t.equal(new Set(publicKeys(requests)).size, 2, 'the old key may be known to others')
})

test('NT-CLIENT-012 NT-DISC-006 a lapsed certificate is neither served nor announced', async (t) => {
  let refusing = false
  const { issueServers } = await createWorld(t, {
    answer: async (request, caller) =>
      refusing
        ? { error: 9 }
        : await certify(authority, request, caller, {
            notBefore: new Date(Date.now() - 1_000),
            notAfter: new Date(Date.now() + 6_000),
          }),
  })
  const client = await start(t, { issueServers })
  const { names } = await next(client, 'certificate:obtained')
  const port = listenerPort(client)
  refusing = true
  await next(client, 'certificate:expired')
  t.same(client.services.nodetrust.addresses, [])
  t.notOk(client.getMultiaddrs().some((address) => address.toString().includes('/dns4/')))
  await t.rejects(handshake(port, names[0] ?? ''), 'no TLS without a certificate')
  refusing = false
  await client.services.nodetrust.obtain()
  t.ok(await handshake(port, names[0] ?? ''), 'the next certificate is served on the same port')
})

test('NT-CLIENT-013 a restart serves the stored certificate and asks for no other', async (t) => {
  const datastore = new MemoryDatastore()
  const privateKey = await generateKeyPair('Ed25519')
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
  })
  const first = await start(t, { issueServers }, { datastore, privateKey })
  const obtained = await next(first, 'certificate:obtained')
  await first.stop()

  const second = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => second.stop())
  const checked = next(second, 'proof:received')
  // The service was already started: what it serves tells, not the event that has passed.
  t.equal(second.services.nodetrust.certificate?.serial, obtained.serial)
  t.equal(
    (await handshake(listenerPort(second), ADDRESS_NAME)).serialNumber.toLowerCase(),
    obtained.serial,
  )
  await checked
  await second.services.nodetrust.refresh()
  t.equal(requests.length, 1, 'names still match')
  await second.stop()

  address = '203.0.113.8'
  const third = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => third.stop())
  const renewed = await third.services.nodetrust.refresh()
  t.same(renewed.names.slice(1), [`ip4203-0-113-8.${ZONE}`], 'NT-CLIENT-014')
  t.equal(requests.length, 2)
  await third.stop()

  await datastore.put(new Key('/nodetrust/certificate'), Buffer.from('{"version":1,"chain":3'))
  const fourth = await createClient({ issueServers }, { datastore, privateKey })
  t.teardown(() => fourth.stop())
  await fourth.services.nodetrust.refresh()
  t.equal(requests.length, 3, 'a corrupt record is replaced')
  t.notMatch(
    Buffer.from(await datastore.get(new Key('/nodetrust/certificate'))).toString(),
    'chain":3',
  )
})

test('NT-CLIENT-014 an address at which others see us starts a new proof and certificate', async (t) => {
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
  })
  // On loopback every peer sees us at 127.0.0.1, which no certificate here names.
  const client = await start(t, { issueServers, addressCheckIntervalMs: 0 })
  await next(client, 'certificate:obtained')
  address = '203.0.113.8'
  const renewing = next(client, 'certificate:renewed')
  const neighbour = await createServer()
  t.teardown(() => neighbour.stop())
  await client.dial(neighbour.getMultiaddrs())
  const renewed = await renewing
  t.same(renewed.names.slice(1), [`ip4203-0-113-8.${ZONE}`])
  t.match(String(client.services.nodetrust.addresses[0]), /ip4203-0-113-8/)
  t.notOk(client.getMultiaddrs().some((listed) => listed.toString().includes(ADDRESS_NAME)))
  t.ok(requests.length >= 2)
})

test('NT-CLIENT-014 who was seen elsewhere while its certificate was made asks for another at once', async (t) => {
  let address = ADDRESS
  const signer = await createServer()
  t.teardown(() => signer.stop())
  const { promise: moved, resolve: move } = Promise.withResolvers<void>()
  const { issueServers, requests } = await createWorld(t, {
    proofs: [async (connection) => await provenAt(() => signer, address)(connection)],
    answer: async (request, caller) => {
      await moved
      return await certify(authority, request, caller)
    },
  })
  const client = await start(t, { issueServers, announce: false })
  const obtaining = next(client, 'certificate:obtained')
  const renewing = next(client, 'certificate:renewed')
  while (requests.length === 0) await setTimeout(10)
  address = '203.0.113.8'
  const neighbour = await createServer()
  t.teardown(() => neighbour.stop())
  const seen = new Promise<void>((resolve) => {
    client.addEventListener('peer:identify', ({ detail }) => {
      if (detail.peerId.equals(neighbour.peerId)) resolve()
    })
  })
  await client.dial(neighbour.getMultiaddrs())
  await seen
  move()
  t.same((await obtaining).names.slice(1), [ADDRESS_NAME])
  t.same((await renewing).names.slice(1), [`ip4203-0-113-8.${ZONE}`])
})
