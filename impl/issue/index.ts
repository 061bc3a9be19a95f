// The issue server: checks what a peer has proven, has it certified by an ACME CA, and answers. What it decides is in
// request.ts, what it is made of in parts.ts, what an order goes through in order-steps.ts, what outlives a process in
// store.ts.
import {
  serviceCapabilities,
  type ComponentLogger,
  type Connection,
  type Logger,
  type Startable,
} from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { TypedEventEmitter } from 'main-event'
import { randomBytes } from 'node:crypto'
import { ERROR_CODES, errorCode } from '../wire/errors.ts'
import {
  IssueInfo,
  IssueRequest,
  IssueResponse,
  RenewalRequest,
  RenewalResponse,
  type MessageCodec,
} from '../wire/messages.ts'
import { addressName } from '../wire/names.ts'
import { ISSUE_INFO_PROTOCOL, ISSUE_PROTOCOL, RENEWAL_PROTOCOL } from '../wire/protocols.ts'
import { RateBound } from '../wire/rate-bound.ts'
import { streamServer, type StreamServer, type StreamService } from '../wire/serve.ts'
import type { BudgetState } from './budget-state.ts'
import { issuedDetail, type IssueServerEvents } from './events.ts'
import { challengeProblem } from './health.ts'
import { checkInit, type IssueServerInit } from './init.ts'
import { openParts, type Parts } from './parts.ts'
import { judgeRequest } from './request.ts'
import { toResponse } from './response.ts'

export type { BudgetState } from './budget-state.ts'
export {
  BUDGET_NAMES,
  BUDGET_PRESETS,
  CERTIFICATE_AUTHORITIES,
  type Budget,
  type BudgetName,
  type BudgetPreset,
  type BudgetsInit,
} from './budgets.ts'
export type { DnsServerInit } from './challenges.ts'
export type { CertificateIssued, IssueServerEvents } from './events.ts'
export type { IssueServerInit, ProofServerAddress } from './init.ts'
export type { BudgetExhausted } from './ledger.ts'

/** What an issue server takes from its libp2p node. */
export interface IssueServerComponents {
  readonly registrar: Registrar
  readonly connectionManager: Pick<ConnectionManager, 'openStream'>
  readonly logger: ComponentLogger
}

/** A peer may ask for its certificate on many streams at once; they share one order (NT-ISSUE-031). */
const STREAMS_DEFAULT = { perPeer: 32, total: 2048 }
/** "This network" (RFC 1122 §3.2.1.3): no peer is ever seen at it. */
const PROBE_ADDRESS = '0.0.0.0'
/** A stream on which nothing but refusals comes of it is closed: an empty request costs one byte. */
const REFUSALS_PER_STREAM_MAX = 8
/** Strangers cause these events, so they are bounded: as many a second. */
const STRANGER_EVENTS_PER_SECOND_MAX = 20

/**
 * A libp2p service that certifies names for proven addresses (NT-ISSUE-001 … 038).
 * @throws {TypeError} for options that cannot work; `start` throws when the store cannot be opened.
 * @example
 * const node = await createLibp2p({ …, services: { issue: issueServer({ zone: 'nt.example', … }) } })
 */
export function issueServer(
  init: IssueServerInit,
): (components: IssueServerComponents) => IssueServer {
  return (components) => new IssueServer(components, init)
}

/** The service that {@link issueServer} makes. */
export class IssueServer extends TypedEventEmitter<IssueServerEvents> implements Startable {
  readonly [serviceCapabilities]: string[] = ['nodetrust/issue']
  readonly [Symbol.toStringTag] = 'nodetrust/issue'
  readonly #components: IssueServerComponents
  readonly #init: IssueServerInit
  readonly #zone: string
  readonly #info: Uint8Array
  readonly #log: Logger
  readonly #refusals = new RateBound({ perSecond: STRANGER_EVENTS_PER_SECOND_MAX })
  #running: Running | undefined

  constructor(components: IssueServerComponents, init: IssueServerInit) {
    super()
    this.#components = components
    this.#init = init
    this.#zone = checkInit(init)
    this.#info = IssueInfo.encode({
      domain: this.#zone,
      proofs: init.proofServers.map(({ id, addresses, display }) => ({
        id: id.toMultihash().bytes,
        addrs: addresses.map(({ bytes }) => bytes),
        display,
      })),
    })
    this.#log = components.logger.forComponent('nodetrust:issue')
  }

  /** @throws {Error} when the store or the deny list cannot be used. */
  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const running = this.#open()
    this.#running = running
    try {
      await running.admission.start()
    } catch (error) {
      // Nothing is left open, and a second start begins from the beginning.
      await this.stop()
      throw error
    }
    // A relayed connection may be a limited one: who asks over it is as well authenticated.
    const options = { runOnLimitedConnection: true }
    const { registrar } = this.#components
    await registrar.handle(ISSUE_INFO_PROTOCOL, running.info.handler, options)
    await registrar.handle(ISSUE_PROTOCOL, running.issue.handler, options)
    await registrar.handle(RENEWAL_PROTOCOL, running.renewal.handler, options)
  }

  /** Takes up what an earlier process left; the node can dial now. */
  afterStart(): void {
    this.#running?.orders.resume()
    this.#running?.renewals.start()
  }

  /** Lets go of the orders while the node can still remove their challenges. Within 5 s. */
  async beforeStop(): Promise<void> {
    const running = this.#running
    if (running === undefined || running.stopping) return
    running.stopping = true
    const { registrar } = this.#components
    const protocols = [ISSUE_INFO_PROTOCOL, ISSUE_PROTOCOL, RENEWAL_PROTOCOL]
    await Promise.all(protocols.map((protocol) => registrar.unhandle(protocol)))
    const streams = [running.info, running.issue, running.renewal]
    for (const server of streams) server.stop()
    await Promise.all([running.orders.stop(), running.renewals.stop()])
    await Promise.all(streams.map((server) => server.idle()))
  }

  async stop(): Promise<void> {
    await this.beforeStop()
    const running = this.#running
    this.#running = undefined
    if (running === undefined) return
    await running.close()
  }

  /** @throws {Error} saying why nothing can be written to the store. */
  probeStore(): void {
    this.#runningNow().store.probe()
  }

  /**
   * Sets and removes a value on all DNS servers, at a name that is never certified.
   * @throws {Error} saying which DNS servers keep challenges from being relied on.
   */
  async probeDnsServers(signal: AbortSignal): Promise<void> {
    const { challenges, probeValue } = this.#runningNow()
    const name = addressName(PROBE_ADDRESS, this.#zone)
    const problem = challengeProblem(await challenges.probe({ name, value: probeValue }, signal))
    if (problem !== undefined) throw new Error(problem)
  }

  /** @throws {Error} saying until when the CA makes us wait, if it does. */
  probeCaPause(): void {
    this.#runningNow().pause.check(Date.now())
  }

  #runningNow(): Running {
    if (this.#running === undefined) throw new Error('the issue server does not run')
    return this.#running
  }

  /** How much of the CA's limits is left, the shared ones first; nothing while the server does not run. */
  budgets(): readonly BudgetState[] {
    return this.#running?.ledger.state(Date.now()) ?? []
  }

  #open(): Running {
    const parts = openParts(this.#init, {
      zone: this.#zone,
      connectionManager: this.#components.connectionManager,
      log: this.#log,
      tell: (type, detail) => void this.safeDispatchEvent(type, { detail }),
    })
    return {
      ...parts,
      info: this.#serve(async (frames, _connection, requestSignal) => {
        // The client sends nothing and may have closed its side already: answer at once (NT-WIRE-004).
        await frames.write(this.#info, requestSignal)
      }),
      issue: this.#serveRequests(IssueResponse, (message, connection) =>
        this.#answer(IssueRequest.decode(message), connection),
      ),
      renewal: this.#serveRequests(RenewalResponse, async (message, connection) => {
        const { serial } = RenewalRequest.decode(message)
        return this.#answerRenewal(serial, connection, parts)
      }),
      // One value for all probes: a DNS server that cannot remove keeps one, and not one for each.
      probeValue: randomBytes(32).toString('base64url'),
      stopping: false,
    }
  }

  #serve(serve: StreamService['serve']): StreamServer {
    return streamServer({
      serve,
      limits: { ...STREAMS_DEFAULT, ...this.#init.streams },
      requestTimeoutMs: this.#init.requestTimeoutMs,
      failed: (detail) => this.safeDispatchEvent('stream:failed', { detail }),
    })
  }

  /** Answers the requests of a stream one after the other, until too many were refused. */
  #serveRequests<T extends { readonly error: number }>(
    codec: MessageCodec<T>,
    answer: (message: Uint8Array, connection: Connection) => Promise<T>,
  ): StreamServer {
    return this.#serve(async (frames, connection, requestSignal) => {
      for (let refused = 0; refused < REFUSALS_PER_STREAM_MAX;) {
        const message = await frames.read(requestSignal)
        if (message === undefined) return
        const answered = await answer(message, connection)
        await frames.write(codec.encode(answered), requestSignal)
        if (answered.error !== ERROR_CODES.OK) refused += 1
      }
    })
  }

  /** Nobody learns of another's certificates: they are looked up among the caller's. */
  #answerRenewal(
    serial: string,
    connection: Connection,
    { admission, renewals }: Pick<Parts, 'admission' | 'renewals'>,
  ): RenewalResponse {
    try {
      admission.admit(connection)
      const advice = renewals.advice(connection.remotePeer.toString(), serial)
      return { error: ERROR_CODES.OK, ...advice }
    } catch (error) {
      return { error: errorCode(error) }
    }
  }

  async #answer(request: IssueRequest, connection: Connection): Promise<IssueResponse> {
    const peer = connection.remotePeer.toString()
    const startedAt = performance.now()
    this.safeDispatchEvent('request:received', { detail: { peer } })
    try {
      const running = this.#running
      if (running === undefined) throw new Error('the issue server is stopping')
      running.admission.admit(connection)
      const order = await judgeRequest(request, {
        callerId: connection.remotePeer.toMultihash().bytes,
        keys: this.#init.proofKeys,
        zone: this.#zone,
        now: Date.now(),
        allowPrivateAddresses: this.#init.allowPrivateAddresses ?? false,
      })
      running.admission.admitAddresses(order.addresses)
      const { names } = order
      const certificate = await running.orders.obtain({ peer, names }, order.request)
      if (certificate.fromCache) {
        const durationMs = Math.round(performance.now() - startedAt)
        const detail = issuedDetail({ peer, names, durationMs }, certificate)
        this.safeDispatchEvent('certificate:issued', { detail })
      }
      return toResponse(order, certificate)
    } catch (error) {
      // The reason stays here; the peer gets the code, and nothing else (NT-ISSUE-029).
      const code = errorCode(error)
      const reason = error instanceof Error ? error.message : String(error)
      this.#log('request of %s refused with %d: %s', peer, code, reason)
      this.#refusals.run(performance.now(), (suppressed) => {
        this.safeDispatchEvent('request:refused', { detail: { peer, code, reason, suppressed } })
      })
      return { error: code }
    }
  }
}

interface Running extends Parts {
  readonly info: StreamServer
  readonly issue: StreamServer
  readonly renewal: StreamServer
  readonly probeValue: string
  stopping: boolean
}
