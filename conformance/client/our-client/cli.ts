#!/usr/bin/env node
// The client of this project as a program that the suite can run: what an application does with the package, and the
// contract of ../README.md. A client in another language has a program like this one.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { FsDatastore } from 'datastore-fs'
import { createLibp2p } from 'libp2p'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodetrust, type Certificate } from '../../../impl/index.ts'

const UNSUPPORTED = 127
const { env } = process
const PARENT_CHECK_MS = 1_000

// A suite that was killed stops nobody.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.exit(1)
}, PARENT_CHECK_MS).unref()

switch (env['NT_TESTCASE'] ?? '') {
  case 'obtain':
    process.exitCode = await obtain()
    break
  case 'serve':
    await stay({ autoStart: true })
    break
  case 'discover':
    await stay({ autoStart: false })
    break
  default:
    process.exitCode = UNSUPPORTED
}
// libp2p keeps a stopped process alive for a second.
process.exit()

/** One attempt. */
async function obtain(): Promise<number> {
  const node = await createNode({ autoStart: false })
  try {
    const signal = AbortSignal.timeout(Number(told('NT_TIMEOUT')) * 1_000)
    await writeCertificate(await node.services.nodetrust.obtain({ signal }))
    return 0
  } catch (error) {
    await writeFile(out('error.txt'), `${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await node.stop()
  }
}

/** Until somebody asks us to stop. */
async function stay({ autoStart }: { readonly autoStart: boolean }): Promise<void> {
  const stopped = Promise.withResolvers<void>()
  process.once('SIGTERM', () => stopped.resolve())
  const node = await createNode({ autoStart })
  const { nodetrust: client } = node.services
  const save = (): void => {
    if (client.certificate !== undefined) void writeCertificate(client.certificate)
  }
  client.addEventListener('certificate:obtained', save)
  client.addEventListener('certificate:renewed', save)
  client.addEventListener('certificate:failed', ({ detail }) => {
    void writeFile(out('error.txt'), `${detail.reason}\n`)
  })
  client.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
    const line = JSON.stringify({ id: id.toString(), addresses: multiaddrs.map(String) })
    void appendFile(out('peers.jsonl'), `${line}\n`)
  })
  await node.start()
  const peers = told('NT_DISCOVERY_PEERS').split(',').filter(Boolean)
  await Promise.all(peers.map((address) => node.dial(multiaddr(address))))
  await stopped.promise
  await node.stop()
}

async function createNode({ autoStart }: { readonly autoStart: boolean }) {
  const state = told('NT_STATE_DIR')
  const node = await createLibp2p({
    start: false,
    privateKey: await identity(join(state, 'identity.key')),
    datastore: new FsDatastore(join(state, 'datastore')),
    addresses: { listen: env['NT_TESTCASE'] === 'serve' ? [`${told('NT_LISTEN')}/ws`] : [] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      pubsub: gossipsub(),
      nodetrust: nodetrust({
        issueServers: [multiaddr(told('NT_ISSUE_ADDR'))],
        allowPrivateAddresses: env['NT_PRIVATE_ADDRESSES'] === '1',
        autoStart,
      }),
    },
  })
  if (env['NT_TESTCASE'] === 'obtain') await node.start()
  return node
}

/** The same one at each start. */
async function identity(file: string): Promise<PrivateKey> {
  try {
    return privateKeyFromProtobuf(Buffer.from(await readFile(file, 'utf8'), 'base64'))
  } catch {
    const key = await generateKeyPair('Ed25519')
    const text = Buffer.from(privateKeyToProtobuf(key)).toString('base64')
    await writeFile(file, text, { mode: 0o600 })
    return key
  }
}

async function writeCertificate({ chain, key }: Certificate): Promise<void> {
  await writeFile(out('certificate.pem'), chain)
  await writeFile(out('key.pem'), key, { mode: 0o600 })
}

function out(name: string): string {
  return join(told('NT_OUT_DIR'), name)
}

function told(name: string): string {
  const value = env[name]
  if (value === undefined) throw new Error(`${name} is not set: the suite sets it`)
  return value
}
