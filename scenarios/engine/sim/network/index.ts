// A virtual network as operating systems see it: hosts with addresses, links, NATs, firewalls, and what goes wrong.
export { NetworkError } from './errors.ts'
export type { Heal, Ways } from './faults.ts'
export type { FirewallOptions, FirewallPolicy } from './firewall.ts'
export { NetworkHost, type HostOptions } from './host.ts'
export { DATAGRAM_LENGTH_MAX, LATENCY_MS, type LinkOptions } from './link.ts'
export { Nat, type NatKind, type NatOptions } from './nat.ts'
export { Network, type NetworkOptions } from './network.ts'
export type { Packet, PacketKind, PacketLog } from './packet.ts'
export {
  CONNECT_TIMEOUT_MS,
  TcpSocket,
  UNACKNOWLEDGED_MS_MAX,
  WINDOW,
  type TcpSink,
} from './tcp.ts'
export { UdpSocket, type UdpSink } from './udp.ts'
export { endpoint, type Endpoint } from './address.ts'
