// Looks whether anything answers at a target before its checks run: a server that is down fails none of them.
import { multiaddr } from '@multiformats/multiaddr'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIPv6 } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Role } from './case.ts'
import type { DnsTarget, Target } from './target.ts'

const TIMEOUT_MS = 3_000
const UDP_TRIES = 3
/** A question for the root's SOA: whatever an authoritative server says of it, it is there. */
const QUESTION = Buffer.from('4e54000000010000000000000000060001', 'hex')

/** By role, why it cannot be judged. Roles that are missing here answer, or are not in the target. */
export async function findUnreachable(
  target: Target,
  { roles, signal }: { readonly roles: ReadonlySet<Role>; readonly signal: AbortSignal },
): Promise<ReadonlyMap<Role, string>> {
  const { dns, dns01, issue, proof } = target
  const writers = dns01?.addresses ?? []
  const issuers = issue?.addresses ?? []
  const provers = proof.flatMap(({ addresses }) => addresses)
  const libp2p = (addresses: readonly string[]) => ({
    places: addresses,
    answers: () => some(addresses, (address) => accepts(address, signal)),
  })
  const looks: Readonly<Partial<Record<Role, ReturnType<typeof libp2p>>>> = {
    dns: {
      places: dns.map(({ address, port }) => `${address} port ${port}`),
      answers: () => some(dns, answersDns),
    },
    dns01: libp2p(writers),
    issue: libp2p(issuers),
    proof: libp2p(provers),
    discovery: libp2p([...issuers, ...writers]),
  }
  const found = await Promise.all(
    [...roles].map(async (role) => {
      const look = looks[role]
      // What the target does not have is not unreachable.
      if (look === undefined || look.places.length === 0 || (await look.answers())) return []
      return [[role, `nothing answers at ${look.places.join(', ')}`] as const]
    }),
  )
  return new Map(found.flat())
}

async function some<T>(all: readonly T[], look: (one: T) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(all.map(look))).includes(true)
}

/** By UDP or TCP: which of them is missing is for a check to say. */
async function answersDns(server: DnsTarget): Promise<boolean> {
  const tcp = connects(server.address, server.port)
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  try {
    socket.on('error', () => {})
    const answered = once(socket, 'message').then(
      () => true,
      () => false,
    )
    for (let tried = 0; tried < UDP_TRIES; tried++) {
      socket.send(QUESTION, server.port, server.address, () => {})
      const soon = await Promise.race([answered, elapsed(TIMEOUT_MS / UDP_TRIES)])
      if (soon === true) return true
      if (await Promise.race([tcp, elapsed(0)])) return true
    }
    return await tcp
  } finally {
    socket.close()
  }
}

/** Whether a libp2p node's socket can be connected to. What is not TCP over IP or DNS is taken to be there. */
async function accepts(address: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted()
  const [host, transport] = multiaddr(address).getComponents()
  const known = ['ip4', 'ip6', 'dns', 'dns4', 'dns6'].includes(host?.name ?? '')
  if (!known || transport?.name !== 'tcp' || host?.value === undefined) return true
  return await connects(host.value, Number(transport.value))
}

async function connects(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const connected = once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.on('error', () => {})
  const result = await Promise.race([connected, elapsed(TIMEOUT_MS)])
  socket.destroy()
  return result === true
}

async function elapsed(milliseconds: number): Promise<undefined> {
  return await delay(milliseconds, undefined, { ref: false })
}
