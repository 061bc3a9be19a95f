import { Queue, QueueEvents } from 'bullmq'
import { randomUUID } from 'node:crypto'
import { NotTakenError, type Crew, type RunOptions } from '../campaign/crew.ts'
import { countText } from '../count-text.ts'
import type { SeedResult } from '../result.ts'
import { openRedis } from './connection.ts'
import { inTimeToLeave, watchLoss, type Loss } from './loss.ts'
import { jobsOf, lostResult, queueName, type SeedJob } from './seed-job.ts'
import { parseResult } from './seed-result.ts'

export interface QueueCrewInit {
  /** `redis://…` of Redis or Valkey. */
  readonly url: string
  /** Of the code: only workers of the same version take these seeds. */
  readonly version: string
  /** The line that runs a seed again. */
  readonly replayOf: (seed: string, world: string) => string
  /** Gets lines for people. */
  readonly report?: (line: string) => void
  /** How often workers are counted and lost seeds are looked for. @default 5 s */
  readonly lookMs?: number
}

const LOOK_MS = 5_000
/** So many looks in vain, and seeds whose time is over wait no longer for a queue that is lost. */
const LOST_LOOKS_MAX = 2
/** Seeds in the queue for each one that runs: a worker that has finished finds the next one there. */
const AHEAD = 2
/** Events of the queue that Redis keeps: a connection that comes back reads on where it was. */
const EVENTS_KEPT = 2_000

interface Pending {
  readonly job: SeedJob
  readonly options: RunOptions
  readonly since: number
  readonly resolve: (result: SeedResult) => void
  readonly reject: (error: unknown) => void
}

/** Workers anywhere, by a queue. They come and go while seeds run; a seed whose worker ends goes to another. */
export class QueueCrew implements Crew {
  readonly #queue: Queue
  readonly #events: QueueEvents
  readonly #loss: Loss
  readonly #close: () => void
  readonly #init: QueueCrewInit
  readonly #pending = new Map<string, Pending>()
  readonly #campaign = randomUUID()
  readonly #timer: NodeJS.Timeout
  #count = 0
  #slots = 0
  #told = ''
  #isLooking = false
  #leaving: Promise<void> | undefined

  static async open(init: QueueCrewInit): Promise<QueueCrew> {
    const left = new AbortController()
    const redis = await openRedis(init.url, left.signal)
    const name = queueName(init.version)
    const queue = new Queue(name, {
      connection: redis,
      streams: { events: { maxLen: EVENTS_KEPT } },
    })
    // From the beginning: what others have said before is about seeds that nobody here waits for.
    const events = new QueueEvents(name, { connection: redis, lastEventId: '0-0' })
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
    const loss = watchLoss(redis, { url: init.url, report: (line) => init.report?.(line) })
    const close = (): void => {
      left.abort()
      redis.disconnect()
    }
    const crew = new QueueCrew(init, { queue, events, loss, close })
    await crew.#look()
    return crew
  }

  private constructor(
    init: QueueCrewInit,
    parts: {
      readonly queue: Queue
      readonly events: QueueEvents
      readonly loss: Loss
      readonly close: () => void
    },
  ) {
    this.#init = init
    this.#queue = parts.queue
    this.#events = parts.events
    this.#loss = parts.loss
    this.#close = parts.close
    // A lost connection comes back; seeds wait for it, and who watches for its loss tells of it.
    parts.queue.on('error', () => {})
    parts.events.on('error', () => {})
    parts.events.on('completed', ({ jobId, returnvalue }) => {
      const pending = this.#take(jobId)
      if (pending === undefined) return
      const { seed, world } = pending.job
      pending.resolve(parseResult(returnvalue, pending.job, init.replayOf(seed, world)))
    })
    parts.events.on('failed', ({ jobId, failedReason }) => {
      const pending = this.#take(jobId)
      if (pending === undefined) return
      const { seed, world } = pending.job
      if (/stalled/.test(failedReason)) {
        pending.resolve(lostResult(pending.job, init.replayOf(seed, world)))
      } else pending.reject(new Error(`a worker could not run seed ${seed}: ${failedReason}`))
    })
    this.#timer = setInterval(() => {
      // While Redis is away there is nothing to see.
      if (this.#loss.lostMs > 0) this.#giveUp()
      if (this.#isLooking || this.#loss.lostMs > 0) return
      this.#isLooking = true
      this.#look()
        .catch(() => {})
        .finally(() => (this.#isLooking = false))
    }, init.lookMs ?? LOOK_MS)
  }

  get width(): number {
    return Math.max(1, this.#slots * AHEAD)
  }

  run(seed: string, options: RunOptions): Promise<SeedResult> {
    return this.#enqueue({ seed, world: options.world, fresh: false }, options)
  }

  runFresh(seed: string, options: RunOptions): Promise<SeedResult> {
    return this.#enqueue({ seed, world: options.world, fresh: true }, options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    clearInterval(this.#timer)
    // Nobody waits for them any more.
    const left = [...this.#pending.keys()]
    for (const id of left) this.#take(id)?.reject(new Error('the queue was left'))
    this.#loss[Symbol.dispose]()
    const removed = Promise.allSettled(left.map((id) => this.#queue.remove(id)))
    const close = (): Promise<unknown> =>
      Promise.allSettled([this.#events.close(), this.#queue.close()])
    // A queue that is lost does neither, but shall try no longer.
    if (!(await inTimeToLeave(removed.then(close)))) void close()
    this.#close()
  }

  async #enqueue(job: SeedJob, options: RunOptions): Promise<SeedResult> {
    const { signal, until } = options
    signal.throwIfAborted()
    const id = `${this.#campaign}-${++this.#count}`
    const { promise, resolve, reject } = Promise.withResolvers<SeedResult>()
    this.#pending.set(id, { job, options, since: performance.now(), resolve, reject })
    // It is awaited only when the queue has the seed.
    promise.catch(() => {})
    const abort = (): void => this.#take(id)?.reject(signal.reason)
    const seeTo = (): void => void this.#seeTo(id).catch(() => {})
    signal.addEventListener('abort', abort, { once: true })
    until?.addEventListener('abort', seeTo, { once: true })
    try {
      // A queue that is lost takes nothing, and says nothing.
      await Promise.race([this.#add(id, job), promise])
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
      until?.removeEventListener('abort', seeTo)
      // One that runs is run to its end.
      if (signal.aborted) await this.#queue.remove(id).catch(() => {})
    }
  }

  async #add(id: string, job: SeedJob): Promise<void> {
    await this.#queue.add('seed', job, { jobId: id, removeOnComplete: true, removeOnFail: true })
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  /** Counts the workers, and asks again for seeds that the queue has forgotten, as a Redis without a disk does. */
  async #look(): Promise<void> {
    const workers = await this.#queue.getWorkers()
    const jobs = workers.map(({ rawname = '' }) => jobsOf(rawname)).filter((count) => count > 0)
    this.#slots = jobs.reduce((sum, count) => sum + count, 0)
    this.#tell(
      jobs.length === 0
        ? `no worker takes seeds of version ${this.#init.version} yet: npm run scenario -- worker --queue URL`
        : `${countText(jobs.length, 'worker')} ${jobs.length === 1 ? 'runs' : 'run'} ${countText(this.#slots, 'seed')} at once`,
    )
    for (const id of this.#pending.keys()) await this.#seeTo(id)
  }

  async #seeTo(id: string): Promise<void> {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    const { job, options, since } = pending
    const { until, isPatient = false } = options
    const isOver = until?.aborted === true && !(isPatient && this.#slots > 0)
    const isOld = since < performance.now() - (this.#init.lookMs ?? LOOK_MS)
    if (!isOver && !isOld) return
    if ((await this.#queue.getJob(id)) === undefined) {
      // Its result may be on its way; a second one is not heard.
      if (isOld && this.#pending.has(id)) await this.#add(id, job)
    } else if (isOver && (await this.#queue.remove(id)) > 0) {
      // One that a worker has begun cannot be removed while that worker lives.
      this.#take(id)?.reject(notTaken(job))
    }
  }

  /** Seeds whose time is over do not wait for a queue that stays away. */
  #giveUp(): void {
    if (this.#loss.lostMs < LOST_LOOKS_MAX * (this.#init.lookMs ?? LOOK_MS)) return
    const over = [...this.#pending].filter(([, { options }]) => options.until?.aborted === true)
    if (over.length === 0) return
    this.#init.report?.('the time is over: what the lost queue still has is given up')
    for (const [id, { job }] of over) this.#take(id)?.reject(notTaken(job))
  }

  #tell(line: string): void {
    if (line !== this.#told) this.#init.report?.(line)
    this.#told = line
  }
}

function notTaken({ seed }: SeedJob): NotTakenError {
  return new NotTakenError(`no worker took seed ${seed} in its time`)
}
