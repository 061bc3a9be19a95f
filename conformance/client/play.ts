// One run of a client under test: servers are played, the client is started and told of them, and everything that it
// does is kept, for judges to look at.
import { createServer } from 'node:net'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openPlayedCa, type PlayedCa } from '../players/certificate-authority.ts'
import {
  openPlayedGossip,
  type GossipMessage,
  type PlayedGossip,
} from '../players/played-gossip.ts'
import { openPlayedIssue, type InfoScript, type IssueScript } from '../players/played-issue.ts'
import { openPlayedProof, PROVEN_ADDRESS, type ProofScript } from '../players/played-proof.ts'
import { makeFolder } from '../suite/files.ts'
import type { ClientTarget } from '../suite/target.ts'
import type { WireLog } from '../suite/wire-log.ts'
import { frame, IssueInfo, type IssueRequest, type ProofServer, type Tap } from '../wire/index.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { startClient, type ClientProcess } from './client-process.ts'
import { environmentOf, type TestCase } from './environment.ts'

/** A proof server in the played info. */
export interface ListedProof {
  readonly script: ProofScript
  /** What the info says instead of the truth. */
  readonly listed?: (truth: ProofServer) => ProofServer
}

/** What is played, and what the client shall do. By default all servers are good. */
export interface PlayInit {
  readonly testcase: TestCase
  readonly zone: string
  readonly proofs: readonly ListedProof[]
  readonly info: InfoScript
  readonly issue: IssueScript
  /** Pubsub neighbours. */
  readonly neighbours: number
  /** The client may believe announcements of private addresses. */
  readonly privateAddresses: boolean
  readonly timeoutSeconds: number
}

/** What a client did, in order. Times are in ms since the servers were there. */
export type PlayEvent = { readonly atMs: number } & (
  | { readonly kind: 'info' }
  | {
      readonly kind: 'proof'
      readonly server: number
      readonly callerId: Uint8Array
      /** The bytes of the ProofWrapper, when it is given; undefined when it is asked for. */
      readonly wrapper: Uint8Array | undefined
    }
  | { readonly kind: 'request'; readonly request: IssueRequest; readonly callerId: Uint8Array }
  | { readonly kind: 'nonsense'; readonly bytes: Uint8Array }
  | { readonly kind: 'subscription'; readonly topic: string; readonly subscribed: boolean }
  | { readonly kind: 'message'; readonly message: GossipMessage }
  | { readonly kind: 'neighbour' }
  | { readonly kind: 'exit' }
)

type EventOf<K extends PlayEvent['kind']> = Extract<PlayEvent, { readonly kind: K }>
/** An event before its time is known. */
type Happening<E = PlayEvent> = E extends PlayEvent ? Omit<E, 'atMs'> : never

export interface Play {
  readonly init: PlayInit
  readonly ca: PlayedCa
  readonly neighbours: readonly PlayedGossip[]
  readonly events: readonly PlayEvent[]
  eventsOf<K extends PlayEvent['kind']>(kind: K): readonly EventOf<K>[]
  /** The process that runs now, or ran last. */
  readonly client: ClientProcess
  /** Starts the client again, with what it has kept. */
  restart(): Promise<void>
  /** What the client writes. */
  readonly outFolder: string
  /** Where it shall listen. */
  readonly listenPort: number
  readonly nowMs: () => number
  /** Waits until `ready` says something; asks again at each event, and now and then. */
  until<T>(
    ready: () => Promise<T | undefined> | T | undefined,
    signal: AbortSignal,
  ): Promise<T | undefined>
  close(): Promise<void>
}

const ASK_AGAIN_MS = 50

export async function openPlay(
  client: ClientTarget,
  { name, wire, ...init }: PlayInit & { readonly name: string; readonly wire: WireLog },
): Promise<Play> {
  const startedMs = performance.now()
  const nowMs = (): number => Math.round(performance.now() - startedMs)
  const events: PlayEvent[] = []
  const waiting = new Set<() => void>()
  const happened = (event: Happening): void => {
    events.push({ atMs: nowMs(), ...event } as PlayEvent)
    for (const wake of waiting) wake()
    waiting.clear()
  }
  const folder = join(client.folder, name)
  const outFolder = join(folder, 'out')
  const stateFolder = join(folder, 'state')
  const closers: (() => Promise<void>)[] = []
  let running: ClientProcess | undefined
  const close = async (): Promise<void> => {
    await running?.kill()
    await Promise.all(closers.map((end) => end().catch(() => undefined)))
  }
  try {
    const ca = openPlayedCa()
    const tap =
      (channel: string): Tap =>
      (entry) =>
        wire.record({ ...entry, channel })
    const proofs = await Promise.all(
      init.proofs.map(async ({ script, listed }, index) => {
        const played = await openPlayedProof({
          script,
          tap,
          onEvent: (event) => happened({ kind: 'proof', server: index, ...event }),
        })
        closers.push(() => played.close())
        const truth = {
          id: played.id,
          addrs: [multiaddr(played.address).bytes],
          display: `played ${index + 1}`,
        }
        return listed?.(truth) ?? truth
      }),
    )
    const issue = await openPlayedIssue({
      ...init,
      ca,
      proofServers: proofs,
      tap,
      onInfo: () => happened({ kind: 'info' }),
      onRequest: (request, callerId) => happened({ kind: 'request', request, callerId }),
      onNonsense: (bytes) => happened({ kind: 'nonsense', bytes }),
    })
    closers.push(() => issue.close())
    const neighbours = await Promise.all(
      Array.from({ length: init.neighbours }, () =>
        openPlayedGossip({
          tap,
          onConnected: () => happened({ kind: 'neighbour' }),
          onMessage: (message) => happened({ kind: 'message', message }),
          onSubscription: (topic, subscribed) =>
            happened({ kind: 'subscription', topic, subscribed }),
        }),
      ),
    )
    closers.push(...neighbours.map((one) => () => one.close()))
    // What an earlier run has left would be taken for this one's.
    await rm(folder, { recursive: true, force: true })
    await makeFolder(outFolder, 0o700)
    await makeFolder(stateFolder, 0o700)
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, ca.root)
    const listenPort = await freePort()
    const start = async (): Promise<void> => {
      const started = await startClient({
        exec: client.exec,
        folder,
        environment: {
          ...client.environment,
          ...environmentOf({
            ...init,
            issueAddress: issue.address,
            discoveryPeers: neighbours.map(({ address }) => address),
            outFolder,
            stateFolder,
            caFile,
            listen: `/ip4/${PROVEN_ADDRESS}/tcp/${listenPort}`,
          }),
        },
      })
      running = started
      void started.exited.then(() => happened({ kind: 'exit' }))
    }
    await start()
    return {
      init,
      ca,
      neighbours,
      events,
      eventsOf: (kind) =>
        events.filter((event): event is EventOf<typeof kind> => event.kind === kind),
      get client() {
        if (running === undefined) throw new Error('the client has not been started')
        return running
      },
      restart: start,
      outFolder,
      listenPort,
      nowMs,
      async until(ready, signal) {
        for (;;) {
          const found = await ready()
          if (found !== undefined || signal.aborted) return found
          const { promise, resolve } = Promise.withResolvers<void>()
          waiting.add(resolve)
          const timer = setTimeout(resolve, ASK_AGAIN_MS)
          signal.addEventListener('abort', () => resolve(), { once: true })
          await promise
          clearTimeout(timer)
          waiting.delete(resolve)
        }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Gives the info as it is. */
export const goodInfo: InfoScript = ({ stream, info }) => {
  stream.send(frame(IssueInfo.encode(info)))
  stream.closeWrite()
}

export const goodProof: ProofScript = async ({ prove, give }) => {
  give(await prove())
}

export const goodIssue: IssueScript = ({ send, answer }) => {
  send(answer())
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, PROVEN_ADDRESS)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
