import { generateKeyPair } from '@libp2p/crypto/keys'
import { setTimeout as delay } from 'node:timers/promises'
import { wire } from '../../impl/index.ts'
import type { Host } from './hosts.ts'
import { requestCertificate, requestProof } from './requests.ts'
import type { Attack } from './simulated-faults.ts'
import type { World } from './world.ts'

const DAY_MS = 86_400_000
/** More than a clock can be wrong. */
const STALE_MS = 7 * DAY_MS
const DRIBBLE_MS = 1_000
const DRIBBLES = 30
const ATTACK_MS_MAX = 60_000

/** Does what nobody should be able to gain anything by. */
export async function attack(world: World, attacker: Host, act: Attack): Promise<void> {
  const [proofServer] = world.hostsOf('proof')
  const [victim] = world.clients
  if (proofServer === undefined || victim === undefined) return
  const own = world.peerIdBytes(attacker.peerId)
  const address = Object.values(attacker.place.addresses)[0] ?? ''
  const sign = (
    statement: Partial<Parameters<typeof wire.signProof>[0]> = {},
  ): Promise<Uint8Array> =>
    wire.signProof({
      id: own,
      addresses: [{ family: address.includes(':') ? 6 : 4, address }],
      now: Date.now(),
      key: proofServer.privateKey,
      ...statement,
    })
  const present = async (...proofs: Uint8Array[]): Promise<void> => {
    await requestCertificate(world, attacker, { proofs })
  }
  switch (act) {
    case 'replayed-proof':
      // What the proof server has told the victim.
      return await present(await sign({ id: world.peerIdBytes(victim.peerId) }))
    case 'forged-proof': {
      const genuine = await requestProof(world, attacker, proofServer)
      const { proof, signature } = wire.ProofWrapper.decode(genuine)
      const [own4] = Object.values(victim.place.addresses)
      const stated = wire.Proof.decode(proof)
      const type = own4?.includes(':') === true ? 2 : 1
      const forged = wire.Proof.encode({ ...stated, addrs: [{ type, address: own4 ?? '' }] })
      return await present(wire.ProofWrapper.encode({ proof: forged, signature }))
    }
    case 'expired-proof':
      return await present(await sign({ now: Date.now() - STALE_MS }))
    case 'foreign-proof':
      return await present(await sign({ key: attacker.privateKey }))
    case 'wrong-peer-id': {
      const stranger = (await generateKeyPair('Ed25519')).publicKey.toString()
      return await present(await sign({ id: world.peerIdBytes(stranger) }))
    }
    case 'challenge-of-a-stranger': {
      const fqdn = wire.id0Name(own, world.zone)
      const request = wire.DNS01Request.encode({ fqdn, value: 'A'.repeat(43) })
      for (const server of world.hostsOf('dns')) {
        await world.exchange(attacker, server, wire.DNS01_PROTOCOL, [request])
      }
      return
    }
    case 'oversized-frame':
      return await sendBytes(world, attacker, async (send) => {
        send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f))
        send(new Uint8Array(1 << 17))
      })
    case 'dribbled-frame':
      return await sendBytes(world, attacker, async (send, signal) => {
        send(Uint8Array.of(0xff, 0x03))
        for (let sent = 0; sent < DRIBBLES && !signal.aborted; sent++) {
          await delay(DRIBBLE_MS)
          send(Uint8Array.of(0))
        }
      })
  }
}

/** Writes bytes that are no frame to every server, on its protocol. */
async function sendBytes(
  world: World,
  attacker: Host,
  write: (send: (bytes: Uint8Array) => void, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const targets = [
    ...world.hostsOf('issue').map((to) => ({ to, protocol: wire.ISSUE_PROTOCOL })),
    ...world.hostsOf('dns').map((to) => ({ to, protocol: wire.DNS01_PROTOCOL })),
  ]
  await Promise.all(
    targets.map(async ({ to, protocol }) => {
      const signal = AbortSignal.any([world.signal, AbortSignal.timeout(ATTACK_MS_MAX)])
      const stream = await attacker.run(() =>
        attacker.node.dialProtocol([...to.multiaddrs], protocol, { signal }),
      )
      try {
        await write((bytes) => stream.send(bytes), signal)
        await stream.close({ signal })
      } finally {
        // Whether the server has thrown it out or not: it is over.
        stream.abort(new Error('the attack is over'))
      }
    }),
  )
}
