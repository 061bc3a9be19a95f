// Node's own modules over the virtual network, for each host its own.
export { connectHost, type HostNet } from './hosts.ts'
export { installNetwork } from './install.ts'
