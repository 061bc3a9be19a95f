import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { describe } from './describe.ts'
import { certificateNames } from './certificates.ts'
import type { TraceDigest } from './sim/hashes.ts'
import type { HostPlan } from './scenario.ts'
import type { TraceEntry } from './trace.ts'

/** What one run showed; `--json` prints it as it is. */
export interface RunReport {
  readonly scenario: string
  readonly title: string
  readonly proves: readonly string[]
  readonly transport: string
  /** Which CA was taken, in words. */
  readonly ca: string
  readonly hosts: readonly {
    readonly name: string
    readonly role: HostPlan['role']
    readonly peerId: string
    readonly addresses: readonly string[]
  }[]
  readonly timeline: readonly TraceEntry[]
  readonly certificates: readonly CertificateReport[]
  readonly verdicts: readonly Verdict[]
  readonly holds: boolean
  readonly durationMs: number
  /** Hashes of a simulated run, which another run of the same seed has too. */
  readonly digest: TraceDigest | undefined
  readonly keptIn: string | undefined
  /** The command that does it again. */
  readonly again: string
}

/** `problem` says what did not hold. */
export interface Verdict {
  readonly name: string
  readonly problem: string | undefined
}

export interface CertificateReport {
  readonly host: string
  readonly names: readonly string[]
  readonly issuer: string
  readonly serial: string
  readonly key: string
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
  readonly pem: string
}

/** Certificates printed in full; more are counted. */
const CERTIFICATES_SHOWN_MAX = 4
/** Timeline lines printed, fewer where many do the same; `--json` has them all. */
const TIMELINE_LINES_MAX = 200
const TIMELINE_LINES_MAX_CROWD = 60
/** Hosts from which on a run is a crowd: the timeline is short, and events are counted. */
const CROWD = 30

/** Reads a certificate for the report, and writes it into the run's folder. */
export function certificateReport(
  folder: string,
): (
  got: { readonly host: string; readonly certificate: string },
  index: number,
) => Promise<CertificateReport> {
  return async ({ host, certificate }, index) => {
    await writeFile(join(folder, `certificate-${index + 1}-${host}.pem`), certificate)
    const parsed = new X509Certificate(certificate)
    const { asymmetricKeyType, asymmetricKeyDetails } = parsed.publicKey
    return {
      host,
      names: certificateNames(certificate),
      issuer: parsed.issuer.replaceAll('\n', ', '),
      serial: parsed.serialNumber.toLowerCase(),
      key: [
        asymmetricKeyType,
        asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength,
      ].join(' '),
      notBefore: parsed.validFromDate.toISOString(),
      notAfter: parsed.validToDate.toISOString(),
      pem: certificate,
    }
  }
}

/** The report as a person reads it in a terminal. */
export function reportText(report: RunReport): string {
  const lines = [
    styleText('bold', `${report.scenario}: ${report.title}`),
    `on ${report.transport}, ${report.ca}`,
    '',
    ...timeline(report),
    '',
    ...(report.hosts.length < CROWD ? [] : [...counts(report), '']),
    ...certificates(report),
    ...report.verdicts.map(({ name, problem }) =>
      problem === undefined
        ? `${styleText('green', '✓')} ${name}`
        : `${styleText('red', '✗')} ${name}\n    ${styleText('red', problem)}`,
    ),
    '',
    `${report.holds ? styleText('green', 'all hold') : styleText('red', 'NOT ALL HOLD')} after ${seconds(report.durationMs)}`,
    `again: ${report.again}`,
    ...(report.keptIn === undefined ? [] : [`kept:  ${report.keptIn}`]),
  ]
  return lines.join('\n')
}

function timeline(report: RunReport): string[] {
  const hostOf = (peerId: string): string =>
    report.hosts.find((host) => host.peerId === peerId)?.name ?? `…${peerId.slice(-8)}`
  const told = report.timeline.flatMap((entry) => {
    const text = describe(entry, hostOf)
    return text === undefined ? [] : [{ entry, text }]
  })
  const width = Math.max(
    ...report.hosts.map(({ name }) => name.length),
    ...new Set(told.map(({ entry }) => entry.host.length)),
  )
  const lines = told
    .slice(0, report.hosts.length < CROWD ? TIMELINE_LINES_MAX : TIMELINE_LINES_MAX_CROWD)
    .map(
      ({ entry, text }) =>
        `${seconds(entry.atMs).padStart(9)}  ${styleText('cyan', entry.host.padEnd(width))}  ${text}`,
    )
  const left = told.length - lines.length
  return left > 0 ? [...lines, `           … ${left} more (--json has them all)`] : lines
}

/** How often each thing happened, and from when to when. */
function counts({ timeline: entries }: RunReport): string[] {
  const times = new Map<string, number[]>()
  for (const { event, detail, atMs } of entries) {
    const name =
      event === 'ca:request'
        ? `ca:request ${String(detail['resource'])} ${String(detail['status'])}`
        : event
    const known = times.get(name)
    if (known === undefined) times.set(name, [atMs])
    else known.push(atMs)
  }
  const width = Math.max(...[...times.keys()].map((name) => name.length))
  return [...times].map(
    ([name, [first = 0, ...more]]) =>
      `${String(more.length + 1).padStart(9)}  ${name.padEnd(width)}  ${seconds(first)} to ${seconds(more.at(-1) ?? first)}`,
  )
}

function certificates({ certificates: all }: RunReport): string[] {
  if (all.length === 0) return ['no certificate was obtained', '']
  const lines = all
    .slice(0, CERTIFICATES_SHOWN_MAX)
    .flatMap((certificate) => [
      styleText('bold', `certificate of ${certificate.host}`),
      ...certificate.names.map((name) => `  name      ${name}`),
      `  issuer    ${certificate.issuer}`,
      `  serial    ${certificate.serial}`,
      `  key       ${certificate.key}`,
      `  validity  ${certificate.notBefore} to ${certificate.notAfter}`,
      '',
    ])
  const left = all.length - CERTIFICATES_SHOWN_MAX
  return left > 0 ? [...lines, `… and ${left} more`, ''] : lines
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`
}
