import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram'
import { once } from 'node:events'
import { isIP, type LookupFunction } from 'node:net'
import type { Respond, SocketReport } from './sockets.ts'

/** Room for what arrives while one answer is made; the system may allow less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** Answers that the system has not taken yet; past that they are dropped, as any router would. */
const UNSENT_BYTES_MAX = 1024 * 1024

/**
 * Answers queries on a UDP port.
 * @throws the system's error when the port cannot be bound.
 */
export async function bindUdp(init: {
  readonly address: string
  readonly family: 4 | 6
  readonly port: number
  readonly respond: Respond
  readonly report: SocketReport
}): Promise<Socket> {
  const socket = createSocket({
    type: init.family === 4 ? 'udp4' : 'udp6',
    // The IPv4 side has a socket of its own, so that addresses look the same everywhere.
    ipv6Only: init.family === 6,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // Addresses of packets need no resolver; without this each answer waits for a turn of the event loop.
    lookup: literalAddress,
  })
  const onMessage = (packet: Buffer, remote: RemoteInfo): void => {
    // Port 0 is never a requestor's, but a forger can write it, and sending there throws.
    if (remote.port === 0) return
    const response = init.respond(packet, 'udp')
    if (response === undefined) return
    if (socket.getSendQueueSize() > UNSENT_BYTES_MAX) {
      init.report.dropped('udp')
      return
    }
    socket.send(response, 0, response.length, remote.port, remote.address)
  }
  socket.on('message', onMessage)
  const bound = once(socket, 'listening')
  socket.bind({ address: init.address, port: init.port })
  try {
    await bound
  } catch (error) {
    socket.close()
    throw error
  }
  // One datagram that could not be received or sent is no reason to end.
  socket.on('error', (error) => init.report.failed(error))
  return socket
}

// node:dgram asks for one address and takes one, whatever more node:dns can give.
const literalAddress = ((address, _options, callback) => {
  callback(null, address, isIP(address))
}) satisfies LookupFunction as SocketOptions['lookup']
