import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { runTool } from '../daemon.ts'
import { ZONE } from '../network.ts'
import { step, type Step } from '../step.ts'
import { rootHints } from '../zones.ts'

const ENTRY = z.object({
  level: z.string(),
  tag: z.string(),
  testcase: z.string().optional(),
  args: z.record(z.string(), z.unknown()).optional(),
})
const PROBLEM_LEVELS = ['WARNING', 'ERROR', 'CRITICAL']
/** What a whole run of its test cases gives at least; less would be a run that broke off. */
const ENTRIES_MIN = 20

/** What registries check a delegation with, from the root on. Its exit code is always 0. */
export async function runZonemaster({
  folder,
  signal,
}: {
  readonly folder: string
  readonly signal: AbortSignal
}): Promise<Step> {
  return step({ tool: 'zonemaster-cli', what: `${ZONE} from the root` }, async () => {
    const hints = join(folder, 'zonemaster.hints')
    await writeFile(hints, rootHints())
    const { stdout, stderr } = await runTool(
      'zonemaster-cli',
      ['--json', '--raw', '--no-time', '--level=INFO', `--hints=${hints}`, ZONE],
      { signal },
    )
    const entries = parseEntries(stdout, stderr)
    if (entries.length < ENTRIES_MIN) {
      throw new Error(
        `only ${entries.length} results: ${stdout.slice(0, 300)} ${stderr.slice(0, 300)}`,
      )
    }
    const problems = entries
      .filter(({ level }) => PROBLEM_LEVELS.includes(level))
      .map(({ tag, level, testcase = '', args }) => ({
        tag,
        text: `${level} ${testcase} ${JSON.stringify(args ?? {})}`,
      }))
    return { problems, note: `${entries.length} results` }
  })
}

function parseEntries(stdout: string, stderr: string): z.infer<typeof ENTRY>[] {
  try {
    const parsed: unknown = JSON.parse(stdout)
    const list = Array.isArray(parsed) ? parsed : (parsed as { results?: unknown }).results
    return z.array(ENTRY).parse(list)
  } catch (cause) {
    throw new Error(`no JSON: ${stdout.slice(0, 300)} ${stderr.slice(0, 300)}`, { cause })
  }
}
