// Looks at a client's listener as a browser would.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { X509Certificate } from 'node:crypto'

/** A handshake that went through, trusted or not. */
export interface Handshake {
  readonly socket: TLSSocket
  readonly certificate: X509Certificate
  /** Why a browser would not trust it; undefined where it would. */
  readonly problem: string | undefined
}

export interface ProbeInit {
  readonly port: number
  readonly host: string
  readonly serverName: string
  /** PEM of the only root that is trusted. */
  readonly root: string
}

const HANDSHAKE_MS_MAX = 5_000
const UPGRADE_BYTES_MAX = 8 * 1024

/** Shakes hands; the caller ends the socket. Undefined where nobody speaks TLS there. */
export async function shakeHands({
  port,
  host,
  serverName,
  root,
}: ProbeInit): Promise<Handshake | undefined> {
  const socket = connect({
    host,
    port,
    servername: serverName,
    ca: [root],
    rejectUnauthorized: false,
  })
  socket.on('error', () => {})
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS_MAX)
  try {
    const ended = once(socket, 'close').then(() => false)
    const done = once(socket, 'secureConnect').then(() => true)
    const secure = await Promise.race([done, ended]).catch(() => false)
    const certificate = secure ? socket.getPeerX509Certificate() : undefined
    if (certificate === undefined) {
      socket.destroy()
      return undefined
    }
    const problem = socket.authorized ? undefined : String(socket.authorizationError)
    return { socket, certificate, problem }
  } finally {
    clearTimeout(timer)
  }
}

/** What the server says when it is asked for a WebSocket (RFC 6455): its first line. */
export async function upgrade(socket: TLSSocket, serverName: string): Promise<string> {
  socket.write(
    [
      'GET / HTTP/1.1',
      `Host: ${serverName}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n'),
  )
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS_MAX)
  let text = ''
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += String(chunk)
      if (text.includes('\r\n') || text.length > UPGRADE_BYTES_MAX) break
    }
  } catch {
    // It was ended; what came until then is what there is.
  } finally {
    clearTimeout(timer)
  }
  return text.split('\r\n', 1)[0] ?? ''
}

/** Whether anybody takes TCP connections there. */
export async function listens({ port, host }: Pick<ProbeInit, 'port' | 'host'>): Promise<boolean> {
  const socket = connectTcp({ port, host })
  socket.on('error', () => {})
  const [open] = await Promise.race([
    once(socket, 'connect').then(() => [true]),
    once(socket, 'close').then(() => [false]),
  ]).catch(() => [false])
  socket.destroy()
  return open === true
}
