import { join } from 'node:path'
import type { CommandIo } from '../../commands/io.ts'
import { UnavailableError } from '../../engine/machine/machine.ts'
import { OutputError } from '../../engine/output-file.ts'
import type { NightReport } from '../nightly/night-report.ts'
import type { Reduction } from '../plan.ts'
import { drawRun } from './replay.ts'

/** Runs that are drawn: each takes its own time again. */
const PAGES_MAX = 8

/** A page for one run of each failure, as small as it was shrunk; which page each seed has. */
export async function drawFailures(
  { lanes }: NightReport,
  init: {
    readonly folder: string
    readonly reductions: ReadonlyMap<string, Reduction>
    readonly io: CommandIo
  },
): Promise<ReadonlyMap<string, string>> {
  const { folder, reductions, io } = init
  const report = (line: string): void => io.error(`nightly: ${line}\n`)
  const pages = new Map<string, string>()
  const failures = lanes.flatMap((lane) => lane.failures.flatMap(({ fastest }) => fastest[0] ?? []))
  for (const { seed, world } of failures.slice(0, PAGES_MAX)) {
    const page = `runs/${`${world}-${seed}`.replaceAll(/[^\w-]/g, '-')}.html`
    const reduction = reductions.get(seed) ?? {}
    report(`drawing seed ${seed} of ${world}`)
    try {
      await drawRun(join(folder, page), { seed, world, reduction, signal: io.signal, report })
      pages.set(seed, page)
    } catch (error) {
      // What the night found is worth more than this page.
      if (!(error instanceof OutputError || error instanceof UnavailableError)) throw error
      report(error.message)
    }
  }
  return pages
}
