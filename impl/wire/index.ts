// What goes over the network, for those who speak the protocol by hand: tools, tests, other roles.
export * from './addresses.ts'
export * from './errors.ts'
export * from './frames.ts'
export * from './messages.ts'
export * from './names.ts'
export * from './proofs.ts'
export * from './protocols.ts'
export * from './stream.ts'
