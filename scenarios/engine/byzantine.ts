import { wire } from '../../impl/index.ts'
import { attack } from './attacks.ts'
import type { Injected } from './faults.ts'
import type { Host } from './hosts.ts'
import { denyAnswers } from './lying-dns.ts'
import { injected } from './network-faults.ts'
import type { ByzantineFault } from './simulated-faults.ts'
import type { World } from './world.ts'

/** RFC 5737: nobody of a simulated world has it. */
const LIE_ADDRESS = '203.0.113.66'
/** A DNS server keeps 16 values of a name: so many leave no room for another. */
const SCRIBBLES = 16

/** Has a host act against the protocol. */
export async function misbehave(world: World, fault: ByzantineFault): Promise<Injected> {
  const host = world.host(fault.host)
  switch (fault.kind) {
    case 'lie':
      return host.plan.role === 'dns'
        ? injected(denyAnswers(host, Number.POSITIVE_INFINITY))
        : await lieInProofs(world, host)
    case 'lag':
      return injected(denyAnswers(host, fault.lagMs))
    case 'attack':
      inBackground(world, host, () => attack(world, host, fault.act))
      return injected(() => {})
    case 'scribble': {
      const healed = new AbortController()
      inBackground(world, host, () => scribble(world, host, healed.signal))
      return injected(() => healed.abort())
    }
  }
}

/** Whoever is attacked may be down: then there is nothing to see. */
function inBackground(world: World, host: Host, work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    world.trace.record(host.name, 'attack:failed', {
      reason: error instanceof Error ? error.message : String(error),
    })
  })
}

/** Signs for an address that nobody has, for whoever asks. */
async function lieInProofs(world: World, host: Host): Promise<Injected> {
  const { node, privateKey } = host
  const { registrar } = (node as unknown as { components: { registrar: Registrar } }).components
  const honest = registrar.getHandler(wire.PROOF_PROTOCOL)
  const replace = async (handler: unknown, options: unknown): Promise<void> => {
    await registrar.unhandle(wire.PROOF_PROTOCOL)
    await registrar.handle(wire.PROOF_PROTOCOL, handler, options)
  }
  await replace(
    async (stream: never, connection: { readonly remotePeer: { toString(): string } }) => {
      const peer = connection.remotePeer.toString()
      const frames = wire.frameStream(stream, { lengthMax: wire.SERVER_FRAME_LENGTH_MAX })
      const proof = await wire.signProof({
        id: world.peerIdBytes(peer),
        addresses: [{ family: 4, address: LIE_ADDRESS }],
        now: Date.now(),
        key: privateKey,
      })
      // Whoever trusts its key has no way to know: it counts as proven.
      world.trace.record(host.name, 'proof:signed', { peer, addresses: [LIE_ADDRESS], lie: true })
      await frames.write(wire.ProofResponse.encode({ error: 0, proof }), world.signal)
      await (stream as { close(): Promise<void> }).close()
    },
    honest.options,
  )
  const heal = async (): Promise<void> => {
    // A process that was started since is an honest one.
    if (host.running && host.node === node) await replace(honest.handler, honest.options)
  }
  return { heal, release: heal }
}

interface Registrar {
  getHandler(protocol: string): { readonly handler: unknown; readonly options: unknown }
  unhandle(protocol: string): Promise<void>
  handle(protocol: string, handler: unknown, options: unknown): Promise<void>
}

/**
 * A writer that has gone bad: it fills the names of all clients, and removes what it did not set, until it is healed. For
 * a crowd that takes minutes.
 */
async function scribble(world: World, host: Host, healed: AbortSignal): Promise<void> {
  const set = world.trace.of('challenge:set')
  for (const server of world.hostsOf('dns')) {
    for (const { peerId } of world.clients) {
      const fqdn = wire.id0Name(world.peerIdBytes(peerId), world.zone)
      for (let index = 0; index < SCRIBBLES; index++) {
        if (healed.aborted) return
        const value = String.fromCodePoint(65 + index).repeat(43)
        await write(world, host, server, wire.DNS01_PROTOCOL, { fqdn, value })
      }
    }
    for (const { host: at, detail } of set) {
      if (at !== server.name) continue
      if (healed.aborted) return
      const [fqdn, value] = [String(detail['name']), String(detail['value'])]
      await write(world, host, server, wire.DNS01_REMOVE_PROTOCOL, { fqdn, value })
    }
  }
}

async function write(
  world: World,
  from: Host,
  to: Host,
  protocol: string,
  request: { readonly fqdn: string; readonly value: string },
): Promise<void> {
  await world.exchange(from, to, protocol, [wire.DNS01Request.encode(request)])
}
