import { generateKeyPair } from '@libp2p/crypto/keys'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { compare, type Comparison } from './compare.ts'
import type { Observations } from './errands.ts'
import { Findings } from './findings.ts'
import { startBystander, type Bystander } from './observe.ts'
import { startAbusedServers, type AbusedServers } from './servers.ts'
import { settle, stateOf, type State } from './settle.ts'
import type { Attack, Subject } from './subject.ts'
import { startWatched, type Watched } from './watched.ts'

export interface AbuseOptions {
  readonly subjects: readonly Subject[]
  readonly amount: 'long' | 'short'
  readonly seed: number
  /** Send only these inputs of the one subject, one by one, and look at nothing else. */
  readonly inputs?: { readonly from: number; readonly to: number } | undefined
  readonly signal: AbortSignal
  readonly progress: (text: string) => void
  readonly finished?: (report: SubjectReport) => void
}

/** What came of one subject. */
export interface SubjectReport {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly sent: number
  readonly durationMs: number
  readonly others: readonly Comparison[]
  readonly before?: State | undefined
  readonly after?: State | undefined
  /** Until everything was as before. */
  readonly settledMs: number
  readonly notes: readonly string[]
  /** What does not hold. */
  readonly problems: readonly string[]
}

/**
 * Polite and hostile take turns, so that whatever else the machine does meets both. A short run judges neither the time
 * of others nor memory, which take many samples and warm caches.
 */
const ROUNDS = { long: 12, short: 1 }
/** Times over the usual that others may have to wait. */
const TIME_RATIO_MAX = 2
const QUIET_MS_PER_ROUND = 500
/** Longest of all that is remembered: gossipsub knows a message for 120 s. */
const SETTLE_TIMEOUT_MS = 200_000
const PROBLEMS_MAX = 10

interface Stage {
  readonly servers: AbusedServers
  readonly listener: Watched
  readonly bystander: Bystander
  readonly options: AbuseOptions
  readonly writer: Attack['writer']
}

/** Abuses servers in a process of their own, subject by subject, and reports on each. */
export async function abuse(options: AbuseOptions): Promise<readonly SubjectReport[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-abuse-'))
  const open: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })]
  try {
    const writer = await generateKeyPair('Ed25519')
    const servers = await startAbusedServers(folder, { writer: writer.publicKey.toString() })
    open.push(() => servers.watched.stop())
    const listener = await startWatched('the listener', 'listener.ts', [])
    open.push(() => listener.stop())
    listener.tell(servers.places)
    const bystander = await startBystander(servers.places)
    open.push(() => bystander.stop())
    const stage = { servers, listener, bystander, options, writer }
    if (options.inputs !== undefined) return await replay(stage, options.inputs)

    if (options.amount === 'long') await warmUp(stage)
    // One for all: what each subject leaves behind would add up otherwise.
    const before = await stateOf(servers, listener, judgesMemory(options))
    const reports: SubjectReport[] = []
    for (const subject of options.subjects) {
      const report = await run(stage, subject, before)
      reports.push(report)
      options.finished?.(report)
    }
    return reports
  } finally {
    for (const close of open.toReversed()) await close()
  }
}

/** What is compiled and cached for good is there before anything is measured. */
async function warmUp(stage: Stage): Promise<void> {
  for (const subject of stage.options.subjects) {
    stage.options.progress(`${subject.name}: warming up`)
    const to = subject.amount.short
    const findings = new Findings(subject.name, stage.options)
    await attack(stage, subject, { from: 0, to, hostile: true }, findings)
  }
}

async function run(stage: Stage, subject: Subject, before: State): Promise<SubjectReport> {
  const { options, servers, listener } = stage
  const findings = new Findings(subject.name, options)
  const startedAt = performance.now()
  const total = subject.amount[options.amount]
  const usual: Observations[] = []
  const during: Observations[] = []
  const look = (): Promise<State> => stateOf(servers, listener, judgesMemory(options))
  let after: State | undefined
  let settledMs = 0
  try {
    // An abuse that lasts cannot take turns.
    const rounds = subject.amount.polite === undefined ? 1 : ROUNDS[options.amount]
    for (let round = 0; round < rounds; round++) {
      usual.push(await observeUsual(stage, subject, { round, rounds }, findings))
      const hostile = { ...part(total, round, rounds), hostile: true }
      during.push(await observeAttack(stage, subject, hostile, findings))
    }
    options.progress(
      `${subject.name}: ${findings.sent} ${subject.unit}; waiting until all is as before`,
    )
    const settled = await settle(look, before, {
      timeoutMs: SETTLE_TIMEOUT_MS,
      judgeMemory: judgesMemory(options).collectGarbage,
    })
    after = settled.state
    settledMs = settled.tookMs
    findings.problems.push(...settled.problems.map((problem) => `left behind: ${problem}`))
  } catch (error) {
    findings.fatal(error as Error, [servers.watched, listener])
  }
  const others = compare(usual, during)
  for (const { errand, failures, ratio } of others) {
    if (failures.length > 0) {
      findings.problems.push(`others were not served ${failures.length} times: ${failures[0]}`)
    }
    if (options.amount === 'long' && ratio > TIME_RATIO_MAX) {
      findings.problems.push(`${errand} took others ${ratio.toFixed(1)} times as long as usual`)
    }
  }
  const durationMs = performance.now() - startedAt
  return { ...summary(subject, findings), durationMs, others, before, after, settledMs }
}

/** How others fare when nobody is hostile. */
async function observeUsual(
  stage: Stage,
  subject: Subject,
  { round, rounds }: { readonly round: number; readonly rounds: number },
  findings: Findings,
): Promise<Observations> {
  const { bystander, options } = stage
  const { polite } = subject.amount
  if (polite === undefined) {
    return await bystander.observe(() => pause(QUIET_MS_PER_ROUND * ROUNDS[options.amount]))
  }
  const total = options.amount === 'long' ? polite : subject.amount.short
  const range = { ...part(total, round, rounds), hostile: false }
  return await bystander.observe(() => attack(stage, subject, range, findings))
}

/** Others are watched from the moment that the attack says it has begun, or all the time. */
async function observeAttack(
  stage: Stage,
  subject: Subject,
  range: Range,
  findings: Findings,
): Promise<Observations> {
  if (subject.amount.polite !== undefined) {
    return await stage.bystander.observe(() => attack(stage, subject, range, findings))
  }
  const begun = Promise.withResolvers<void>()
  const attacked = attack(stage, subject, range, findings, begun.resolve)
  await Promise.race([begun.promise, attacked])
  return await stage.bystander.observe(() => attacked)
}

interface Range {
  readonly from: number
  readonly to: number
  readonly hostile: boolean
}

async function attack(
  { servers, listener, options, writer }: Stage,
  subject: Subject,
  range: Range,
  findings: Findings,
  begun: () => void = () => {},
): Promise<void> {
  const enough = new AbortController()
  findings.next = range.from
  await subject.attack({
    ...range,
    places: servers.places,
    seed: options.seed,
    name: subject.name,
    oneByOne: options.inputs !== undefined,
    writer,
    signal: AbortSignal.any([options.signal, enough.signal, servers.watched.ended, listener.ended]),
    begun,
    sent(count) {
      findings.next += count
      if (!range.hostile) return
      findings.sent += count
      options.progress(`${subject.name}: ${findings.sent} ${subject.unit}`)
    },
    failed(index, problem) {
      findings.failed(index, problem)
      if (findings.problems.length >= PROBLEMS_MAX) enough.abort(new Error('too many failures'))
    },
    note: (text) => void findings.notes.push(text),
  })
}

async function replay(
  stage: Stage,
  inputs: { readonly from: number; readonly to: number },
): Promise<SubjectReport[]> {
  const reports: SubjectReport[] = []
  for (const subject of stage.options.subjects) {
    const findings = new Findings(subject.name, stage.options)
    try {
      await attack(stage, subject, { ...inputs, hostile: true }, findings)
    } catch (error) {
      findings.fatal(error as Error, [stage.servers.watched, stage.listener])
    }
    reports.push(summary(subject, findings))
  }
  return reports
}

function judgesMemory({ amount }: AbuseOptions): { readonly collectGarbage: boolean } {
  return { collectGarbage: amount === 'long' }
}

function summary({ name, title, unit }: Subject, findings: Findings): SubjectReport {
  const { sent, notes, problems } = findings
  return { name, title, unit, sent, notes, problems, durationMs: 0, others: [], settledMs: 0 }
}

function part(total: number, round: number, rounds: number): { from: number; to: number } {
  const at = (index: number): number => Math.floor((total * index) / rounds)
  return { from: at(round), to: at(round + 1) }
}
