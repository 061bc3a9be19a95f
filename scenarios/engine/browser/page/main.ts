// An application in a browser: js-libp2p, secure WebSockets and nothing of ours but the addresses. It dials the node that
// the page's address names (`?dial=<multiaddr>`), and every other node that it hears announced through that one.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { readAnnouncement } from './announcement.ts'
import { showPeer, showSelf, type PeerView } from './view.ts'

/** Whoever drives the browser is told what happens here, and tells what the browser knows and a page does not. */
declare global {
  var tell: ((event: string, detail: Record<string, unknown>) => Promise<void>) | undefined
  var consoleError: (() => Promise<string | undefined>) | undefined
  var certificateOf: ((url: string) => Promise<CertificateSeen | undefined>) | undefined
}

interface CertificateSeen {
  readonly names: readonly string[]
  readonly issuer: string
  readonly protocol: string
}

const TOPIC = '_nodetrust_discovery_v2'
const DIAL_TIMEOUT_MS = 20_000
/** The first ping also opens the stream and warms everything up; the best of these is shown. */
const PINGS = 5
/** Peers dialled: a page has few connections to give. */
const PEERS_MAX = 16

const node = await createLibp2p({
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  services: { identify: identify(), ping: ping(), pubsub: gossipsub() },
})
showSelf(`This page is peer ${node.peerId.toString()}; ${shortAgent()}`)

const met = new Set<string>([node.peerId.toString()])

node.services.pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
  if (msg.topic !== TOPIC || msg.type !== 'signed') return
  const from = msg.from.toString()
  if (met.has(from) || met.size > PEERS_MAX) return
  const address = announcedAddress(msg.data, from)
  if (address === undefined) return
  met.add(from)
  void globalThis.tell?.('browser:heard', { peer: from, address: address.toString() })
  void meet(address, {
    title: `Node ${met.size - 1}`,
    found: 'heard announced over gossipsub',
  })
})
node.services.pubsub.subscribe(TOPIC)

const first = multiaddr(new URLSearchParams(location.search).get('dial') ?? '')
const firstPeer = peerOf(first)
if (firstPeer === undefined) throw new TypeError(`"${first.toString()}" names no peer`)
met.add(firstPeer)
await meet(first, { title: 'Node 1', found: 'whose address this page was given' })

/** Dials a node, pings it, and shows both; what fails is shown and told too. */
async function meet(address: Multiaddr, card: Parameters<typeof showPeer>[0]): Promise<void> {
  const view = showPeer(card)
  const peer = peerOf(address)
  view.line('dialled', address.toString(), 'machine')
  view.state('waiting', 'dialling …')
  const begun = performance.now()
  try {
    const connection = await node.dial(address, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
    const dialMs = performance.now() - begun
    const remote = connection.remotePeer.toString()
    view.line('connected in', `${dialMs.toFixed(0)} ms`)
    await globalThis.tell?.('browser:dialled', {
      peer: remote,
      address: address.toString(),
      dialMs: Math.round(dialMs),
    })
    const times: number[] = []
    for (let index = 0; index < PINGS; index += 1) {
      times.push(await node.services.ping.ping(connection.remotePeer))
    }
    const roundTripMs = Math.min(...times)
    view.line(`best of ${PINGS} pings`, `${roundTripMs} ms`, 'large')
    await showCertificate(view, address)
    view.state('good', 'connected, certificate trusted')
    await globalThis.tell?.('browser:pinged', {
      peer: remote,
      roundTripMs,
    })
  } catch (error) {
    // For a WebSocket that cannot be opened a page gets a bare event: why, only the console says.
    const reason =
      error instanceof Error
        ? error.message
        : `the WebSocket was not opened: ${(await globalThis.consoleError?.()) ?? 'see the console'}`
    view.line('failed', reason)
    view.state('bad', error instanceof Error ? 'failed' : 'refused by the browser')
    await globalThis.tell?.('browser:failed', { peer, address: address.toString(), reason })
  }
}

/** A page cannot see certificates. Whoever drives the browser can, by a request of the page to the same port. */
async function showCertificate(view: PeerView, address: Multiaddr): Promise<void> {
  const [name, tcp] = address.getComponents()
  const seen = await globalThis.certificateOf?.(`https://${name?.value}:${tcp?.value}/`)
  if (seen === undefined) return
  view.line('certificate for', seen.names.join('\n'), 'machine')
  view.line('issued by', `${seen.issuer}, over ${seen.protocol}`)
}

/** The first announced address that a browser can dial and that does not speak for somebody else (NT-DISC-003). */
function announcedAddress(data: Uint8Array, from: string): Multiaddr | undefined {
  try {
    return readAnnouncement(data).find(
      (address) =>
        /^\/dns[46]?\/[^/]+\/tcp\/\d+\/tls\/ws\b/.test(address.toString()) &&
        peerOf(address) === from,
    )
  } catch {
    // A stranger may publish anything.
    return undefined
  }
}

function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

function shortAgent(): string {
  return /\b(?:Headless)?Chrom(?:e|ium)\/\d+/.exec(navigator.userAgent)?.[0].replace('/', ' ') ?? ''
}
