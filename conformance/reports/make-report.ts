import { withTargetFile } from '../checks/by-hand.ts'
import { levelOf } from '../suite/catalogue.ts'
import type { Case, Verdict } from '../suite/case.ts'
import { SUITE_NAME, SUITE_VERSION } from '../suite/agent.ts'
import { expected, overtaken, type Expectations } from '../suite/expectations.ts'
import type { CaseResult } from '../suite/runner.ts'
import { requirementOf, type LeftOut } from '../suite/selection.ts'
import type { Target } from '../suite/target.ts'
import { exitCode, exitCodeOfStop, VERDICTS } from '../suite/verdicts.ts'
import type { RecordedEntry } from '../suite/wire-files.ts'
import type { ReportedLeftOut } from './left-out.ts'
import type { ReportedCase, ReportedRequirement, RunReport } from './report.ts'

/** What a report holds of a case's messages; the evidence on disk has all. */
const WIRE_ENTRIES_MAX = 40
const WIRE_BYTES_MAX = 2_048

export interface ReportInit {
  readonly target: Target
  /** That it was read from; undefined where nobody has written one. */
  readonly targetFile?: string | undefined
  readonly results: readonly CaseResult[]
  /** All that were to run. */
  readonly cases: readonly Case[]
  readonly leftOut: readonly LeftOut[]
  readonly requirement: (id: string) => ReportedRequirement | undefined
  readonly expectations: Expectations
  /** The file that they are from. */
  readonly expect?: string | undefined
  readonly startedAt: Date
  readonly durationMs: number
  readonly seed: number
  readonly strict: boolean
  readonly selection: readonly string[]
  /** What ended it before all had run. */
  readonly stopped: AbortSignal | undefined
}

export function makeReport(init: ReportInit): RunReport {
  const { target, expectations, strict, stopped } = init
  const results = init.results.map((result) => reported(result, init))
  const ran = new Set(results.map(({ id }) => id))
  const better = overtaken(expectations, results)
  const leftOut = [
    ...init.leftOut.map(({ case: one, why }) => reportedLeftOut(one, why)),
    ...init.cases
      .filter(({ id }) => !ran.has(id))
      .map((one) => reportedLeftOut(one, 'interrupted')),
  ]
  const ids = new Set([
    ...results.map(({ requirement }) => requirement),
    ...leftOut.map(requirementOf),
  ])
  return {
    schema: 'nt_report_v1.json',
    suite: { name: SUITE_NAME, version: SUITE_VERSION },
    target: {
      name: target.name,
      zone: target.zone,
      capabilities: [...target.capabilities],
      servers: serversOf(target),
    },
    startedAt: init.startedAt.toISOString(),
    durationMs: Math.round(init.durationMs),
    seed: init.seed,
    strict,
    selection: [...init.selection],
    interrupted: stopped !== undefined,
    exitCode:
      stopped === undefined
        ? exitCode(results, { strict, overtaken: better.length })
        : exitCodeOfStop(stopped),
    counts: countVerdicts(results),
    requirements: [...ids].flatMap((id) => init.requirement(id) ?? []),
    results,
    leftOut,
    ...(init.expect === undefined ? {} : { expect: init.expect }),
    overtaken: [...better],
  }
}

export function countVerdicts(
  results: readonly { readonly verdict: Verdict }[],
): Record<Verdict, number> {
  const count = (verdict: Verdict): number =>
    results.filter((one) => one.verdict === verdict).length
  return Object.fromEntries(VERDICTS.map((verdict) => [verdict, count(verdict)])) as Record<
    Verdict,
    number
  >
}

function reported(
  { case: one, evidence, wire, byHand, ...rest }: CaseResult,
  { target, targetFile, expectations }: ReportInit,
): ReportedCase {
  const lines = byHand ?? one.byHand(target)
  const known = expected(expectations, one.id)
  return {
    ...rest,
    id: one.id,
    requirement: requirementOf(one),
    title: one.title,
    role: one.role,
    byHand: targetFile === undefined ? lines : withTargetFile(lines, targetFile),
    wire: wire.slice(0, WIRE_ENTRIES_MAX).map(shortened),
    wireLeft: Math.max(0, wire.length - WIRE_ENTRIES_MAX),
    ...(known === undefined ? {} : { known }),
    ...(evidence === undefined ? {} : { evidence }),
  }
}

function reportedLeftOut(one: Case, why: ReportedLeftOut['why']): ReportedLeftOut {
  const { id, title, role } = one
  return { id, title, role, level: levelOf(one), why }
}

function shortened({ hex, ...entry }: RecordedEntry): ReportedCase['wire'][number] {
  const bytes = Buffer.from(hex, 'hex')
  // A report is made to be shown around.
  const secret = bytes.includes('PRIVATE KEY-----')
  const note = secret ? 'holds a private key' : entry.note
  return {
    ...entry,
    length: bytes.length,
    hex: secret ? '' : bytes.subarray(0, WIRE_BYTES_MAX).toString('hex'),
    ...(note === undefined ? {} : { note }),
  }
}

function serversOf({ dns, dns01, proof, issue }: Target): string[] {
  return [
    ...dns.map(({ address, port }) => `dns ${address} port ${port}`),
    ...(dns01?.addresses ?? []).map((address) => `dns-01 ${address}`),
    ...proof.flatMap(({ addresses }) => addresses.map((address) => `proof ${address}`)),
    ...(issue?.addresses ?? []).map((address) => `issue ${address}`),
  ]
}
