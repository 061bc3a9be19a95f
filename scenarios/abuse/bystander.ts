// A program: somebody who has nothing to do with the abuse and wants to be served. It runs in a process of its own, so
// that what it measures is the servers and not those who abuse them. Its parent tells it where they are, then when to
// begin and when to say what it has seen.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'dns-packet'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { wire } from '../../impl/index.ts'
import { ZONE } from './dns-packets.ts'
import { ERRANDS, type Errand, type Observations } from './errands.ts'
import { dialler, sourceAddress } from './peers.ts'
import type { ServerPlaces } from './servers.ts'

export type BystanderRequest = { readonly places: ServerPlaces } | 'begin' | 'end'

/** Far longer than anything takes, even on a machine that is busy with other things. */
const ERRAND_TIMEOUT_MS = 60_000
const PAUSE_MS = 4
/** libp2p lets an address connect 50 times a second at most. */
const ROUNDS_PER_NEWCOMER = 8
const GROUP = 2

let observations = empty()
let running = false
let errands: Record<Errand, () => Promise<unknown>> | undefined

process.on('message', (request: BystanderRequest) => {
  if (request === 'begin') {
    observations = empty()
    running = true
  } else if (request === 'end') {
    running = false
    process.send?.(observations)
  } else {
    void live(request.places)
  }
})
process.on('disconnect', () => process.kill(process.pid))

async function live(places: ServerPlaces): Promise<void> {
  errands = await prepare(places)
  // The first of each would measure this process and not the servers.
  for (const errand of ERRANDS) await errands[errand]()
  process.send?.('ready')
  for (let round = 0; ; round++) {
    await pause(PAUSE_MS)
    if (!running) continue
    for (const errand of ERRANDS) {
      if (errand === 'proof for a newcomer' && round % ROUNDS_PER_NEWCOMER !== 0) continue
      await run(errand, errands[errand])
    }
  }
}

async function run(errand: Errand, work: () => Promise<unknown>): Promise<void> {
  const seen = observations as { durationsMs: Record<Errand, number[]>; failures: string[] }
  const startedAt = performance.now()
  try {
    await work()
    seen.durationsMs[errand].push(performance.now() - startedAt)
  } catch (error) {
    seen.failures.push(`${errand}: ${String(error)}`)
  }
}

async function prepare(places: ServerPlaces): Promise<Record<Errand, () => Promise<unknown>>> {
  const { address, port } = places.queries
  const query = encode({
    type: 'query',
    id: 7,
    questions: [{ type: 'A', name: `ip4203-0-113-7.${ZONE}` }],
  })
  const framedQuery = Buffer.concat([Uint8Array.of(0, query.length), query])
  const socket = createSocket('udp4')
  socket.connect(port, address)
  await once(socket, 'connect')

  const old = await dialler({ from: sourceAddress(GROUP, 0) })
  const newcomer = await dialler({ from: sourceAddress(GROUP, 1) })
  const proofServer = multiaddr(places.proof)
  const connection = await old.dial(proofServer)
  return {
    async 'DNS over UDP'() {
      const signal = AbortSignal.timeout(ERRAND_TIMEOUT_MS)
      const answered = once(socket, 'message', { signal })
      socket.send(query)
      await answered
    },
    async 'DNS over TCP'() {
      const signal = AbortSignal.timeout(ERRAND_TIMEOUT_MS)
      const localAddress = sourceAddress(GROUP, 0)
      const tcp = connect({
        host: address,
        port,
        ...(localAddress === undefined ? {} : { localAddress }),
      })
      const ended = once(tcp, 'close')
      tcp.write(framedQuery)
      try {
        await Promise.race([
          once(tcp, 'data', { signal }),
          ended.then(() => Promise.reject(new Error('closed without an answer'))),
        ])
      } finally {
        tcp.resetAndDestroy()
      }
    },
    proof: () => proof(connection),
    async 'proof for a newcomer'() {
      const signal = AbortSignal.timeout(ERRAND_TIMEOUT_MS)
      const fresh = await newcomer.dial(proofServer, { signal })
      try {
        await proof(fresh)
      } finally {
        await fresh.close()
      }
    },
  }
}

async function proof(connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(ERRAND_TIMEOUT_MS)
  const stream = await connection.newStream(wire.PROOF_PROTOCOL, { signal })
  const message = await wire
    .frameStream(stream, { lengthMax: wire.CLIENT_FRAME_LENGTH_MAX })
    .read(signal)
  await stream.close({ signal })
  const { error } = wire.ProofResponse.decode(message ?? new Uint8Array())
  if (error !== 0) throw new Error(`refused with ${error}`)
}

function empty(): Observations {
  return {
    durationsMs: { 'DNS over UDP': [], 'DNS over TCP': [], proof: [], 'proof for a newcomer': [] },
    failures: [],
  }
}
