import type { RunReport, Verdict } from '../report.ts'
import type { TraceEntry } from '../trace.ts'

/** A run as its page tells it. */
export interface Story {
  readonly name: string
  readonly title: string
  readonly holds: boolean
  /** A few words each, under the title. */
  readonly facts: readonly (readonly [name: string, text: string])[]
  /** What was drawn for a world that came from a seed. */
  readonly options: Readonly<Record<string, string | number | boolean>>
  readonly hosts: readonly StoryHost[]
  readonly timeline: readonly TraceEntry[]
  readonly verdicts: readonly Verdict[]
  readonly certificates: readonly StoryCertificate[]
  readonly durationMs: number
  /** One shell line that does it again. */
  readonly again: string
}

export interface StoryHost {
  readonly name: string
  readonly role: string
  readonly peerId: string
  readonly addresses: readonly string[]
}

export interface StoryCertificate {
  readonly host: string
  readonly names: readonly string[]
  readonly notBefore: string
  readonly notAfter: string
  readonly serial: string
}

/** What a run of a scenario showed. */
export function storyOfReport(report: RunReport): Story {
  return {
    name: report.scenario,
    title: report.title,
    holds: report.holds,
    facts: [
      ['transport', report.transport],
      ['CA', report.ca],
      ['hosts', String(report.hosts.length)],
      ...(report.proves.length === 0 ? [] : [['proves', report.proves.join(', ')] as const]),
    ],
    options: {},
    hosts: report.hosts,
    timeline: report.timeline,
    verdicts: report.verdicts,
    certificates: report.certificates,
    durationMs: report.durationMs,
    again: report.again,
  }
}
