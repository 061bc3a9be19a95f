import { isIPv6 } from 'node:net'
import { CLASS, className, EDNS_DO, FLAG, TYPE, typeName } from '../../dns/codes.ts'
import { withLength, writeQuery, type QueryInit } from '../../dns/write.ts'
import type { DnsTarget, Target } from '../../suite/target.ts'
import type { Probe } from './probe.ts'

const LINES_MAX = 3
const WAIT_MS = 2_000
const NO_SERVER = 'the target has no DNS server'

/** The first packets of a case as lines for a shell, each with what must come of it. */
export function byHandOf(target: Target, probes: readonly Probe[]): string {
  return atFirstServer((server) =>
    probes
      .slice(0, LINES_MAX)
      .map((probe) => lineOf(probe, server))
      .join('\n'),
  )(target)
}

/** A packet as a line for a shell, with what must come of it. */
export function lineOf(
  { query, transport, expected }: Pick<Probe, 'query' | 'transport' | 'expected'>,
  server: DnsTarget,
): string {
  return `${commandOf(query, server, transport)}   # ${expected}`
}

/** A dig line where dig can send it, else bytes. */
export function commandOf(
  query: QueryInit | Uint8Array,
  server: DnsTarget,
  transport: 'udp' | 'tcp' = 'udp',
): string {
  const dig = query instanceof Uint8Array ? undefined : digLine(query, server, transport)
  if (dig !== undefined) return dig
  const packet = query instanceof Uint8Array ? query : writeQuery(query)
  return transport === 'udp' ? udpLine(packet, server) : tcpLine(withLength(packet), server)
}

/** `byHand` of a case whose first server is enough to see it. `shows` says what there is to see, where the lines do not. */
export function atFirstServer(
  line: (server: DnsTarget, target: Target) => string | undefined,
  shows?: string,
): (target: Target) => string {
  return (target) => {
    const server = target.dns[0]
    const lines = server === undefined ? undefined : line(server, target)
    if (lines === undefined) return NO_SERVER
    return shows === undefined ? lines : `${lines}   # ${shows}`
  }
}

export function digLine(
  query: QueryInit,
  { address, port }: DnsTarget,
  transport: 'udp' | 'tcp' = 'udp',
): string | undefined {
  const { name, type, edns, flags = 0, opcode = 0 } = query
  const options = edns?.options ?? []
  const plain =
    typeof name === 'string' &&
    /^[\w.-]*$/.test(name) &&
    opcode === 0 &&
    (flags & ~(FLAG.RD | FLAG.CD | FLAG.AD)) === 0 &&
    // These make dig do more than send one query.
    type !== TYPE.AXFR &&
    type !== TYPE.IXFR &&
    edns?.payloadBytesMax !== 0 &&
    edns?.data === undefined &&
    edns?.owner === undefined
  if (!plain) return undefined
  const code = query.class ?? CLASS.IN
  const set = (flag: number): boolean => (flags & flag) !== 0
  return [
    `dig @${address} -p ${port} +qr`,
    set(FLAG.RD) ? '+rec' : '+norec',
    set(FLAG.AD) ? '+ad' : '+noad',
    ...(set(FLAG.CD) ? ['+cd'] : []),
    ...(transport === 'tcp' ? ['+tcp'] : ['+notcp', '+ignore']),
    ...(edns === undefined
      ? ['+noedns']
      : [
          `+edns=${edns.version ?? 0} +noednsneg +nocookie +bufsize=${edns.payloadBytesMax ?? 1232}`,
          ...(((edns.flags ?? 0) & EDNS_DO) === 0 ? [] : ['+dnssec']),
          ...(((edns.flags ?? 0) & ~EDNS_DO) === 0
            ? []
            : [`+ednsflags=0x${(edns.flags ?? 0).toString(16)}`]),
          ...options.map(
            (option) => `+ednsopt=${option.code}:${Buffer.from(option.data).toString('hex')}`,
          ),
        ]),
    `-q '${name === '' ? '.' : name}' -t ${typeName(type)} -c ${className(code)}`,
  ].join(' ')
}

/** Node is there wherever the suite is. Prints what comes back in hex. */
export function udpLine(packet: Uint8Array, { address, port }: DnsTarget): string {
  const family = isIPv6(address) ? 'udp6' : 'udp4'
  return (
    `node -e 's=require("dgram").createSocket("${family}");` +
    `s.on("message",m=>console.log(m.toString("hex")));` +
    `s.send(Buffer.from("${hex(packet)}","hex"),${port},"${address}");` +
    `setTimeout(()=>s.close(),${WAIT_MS})'`
  )
}

/** `bytes` with the lengths before each message. `cut`: each in a segment of its own, or all with our side ended after them. */
export function tcpLine(
  bytes: Uint8Array,
  { address, port }: DnsTarget,
  { cut }: { readonly cut?: 'byte by byte' | 'half closed' } = {},
): string {
  const all = `Buffer.from("${hex(bytes)}","hex")`
  const sending =
    cut === 'byte by byte'
      ? `s.setNoDelay();i=0;b=${all};t=setInterval(()=>i<b.length?s.write(b.subarray(i,++i)):clearInterval(t),5);`
      : `s.${cut === 'half closed' ? 'end' : 'write'}(${all});`
  return (
    `node -e 's=require("net").connect({port:${port},host:"${address}",allowHalfOpen:true});` +
    `s.on("data",m=>console.log(m.toString("hex")));` +
    `${sending}setTimeout(()=>s.destroy(),${WAIT_MS})'`
  )
}

/** Says after how long the server ended a connection on which a byte comes each second, or none. */
export function idleLine({ address, port }: DnsTarget, { trickle }: { trickle: boolean }): string {
  return (
    `node -e 'var t,s=require("net").connect(${port},"${address}");console.time("open");` +
    `s.on("error",()=>{});s.on("close",()=>{console.timeEnd("open");clearInterval(t)});` +
    `${trickle ? 's.write(Buffer.of(255,255));t=setInterval(()=>s.write(Buffer.of(0)),1000);' : ''}'`
  )
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
