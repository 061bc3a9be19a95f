// What libraries say when no connection or stream comes about, in words for who runs checks: what was tried with whom, what
// came of it, and what to look at.

/** It says nothing of what a server does: it was not reached. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** @param cause of a dial that failed */
export function connectionError(address: string, cause: unknown): ConnectionError {
  return new ConnectionError(`cannot connect to ${address}: ${reasonOf(cause)}`, { cause })
}

/** @param cause of a stream that could not be opened, for another reason than that its protocol is not served */
export function streamError(
  { protocol, address }: { readonly protocol: string; readonly address: string },
  cause: unknown,
): ConnectionError {
  return new ConnectionError(
    `no stream of ${protocol} could be opened on the connection to ${address}: ${reasonOf(cause)}`,
    { cause },
  )
}

const BY_CODE: Readonly<Partial<Record<string, string>>> = {
  ECONNREFUSED: 'nobody listens there; is the server up, and the port right?',
  ECONNRESET:
    'the other side reset the connection; libp2p takes five a second from one address by default (--rate 2 makes fewer)',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no route leads there; has this machine such addresses, IPv6 say?',
  ETIMEDOUT: 'nothing came back; does a firewall drop it?',
  ENOTFOUND: 'the host name has no address',
  EADDRNOTAVAIL: 'this machine has no address to call it from',
}

const BY_NAME: Readonly<Partial<Record<string, string>>> = {
  TimeoutError:
    'nothing came back in time; does a firewall drop it, or does something else listen there?',
  NoValidAddressesError:
    'the suite dials TCP and WebSockets (/tcp, /ws) only; give such an address',
  UnsupportedProtocolError:
    'the protocol is not served there; is it the address of another server?',
  StreamResetError:
    'the other side reset the stream at once; it may allow fewer at a time (--concurrency 1)',
  ConnectionClosedError: 'the other side closed the connection',
  MuxerClosedError: 'the other side closed the connection',
}

function reasonOf(cause: unknown): string {
  // What WebSockets fail with is no Error.
  if (!(cause instanceof Error)) return 'the WebSocket was refused; does the address need /ws?'
  const other = /^Payload identity key (\S+) does not match/.exec(cause.message)
  if (other !== null) return `the peer there is ${other[1]}; put its id into the address`
  const code = 'code' in cause ? BY_CODE[String(cause.code)] : undefined
  const known = code ?? BY_NAME[cause.name]
  if (known !== undefined) return known
  const said = `${cause.name}: ${cause.message.split('\n')[0]}`
  return cause.name === 'EncryptionFailedError'
    ? `there is no libp2p with Noise and Yamux at the port (${said})`
    : said
}
