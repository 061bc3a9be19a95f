import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../daemon.ts'
import { DNS_PORT, NAME_SERVERS, ZONE } from '../network.ts'
import { step, type Step } from '../step.ts'

const QUERIES = 10_000
const TCP_CONNECTIONS = 10

/** Many queries at once: none may be lost, and none may fail. How fast that goes depends on the machine. */
export async function runDnsperf(
  transport: 'udp' | 'tcp',
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Step> {
  return step(
    { tool: 'dnsperf', what: `${QUERIES} queries over ${transport.toUpperCase()}` },
    async () => {
      const file = join(folder, 'dnsperf.queries')
      await writeFile(file, queries())
      const { code, stdout, stderr } = await runTool(
        'dnsperf',
        [
          `-s${NAME_SERVERS[0].ip4}`,
          `-p${DNS_PORT}`,
          `-m${transport}`,
          ...(transport === 'tcp' ? [`-c${TCP_CONNECTIONS}`] : []),
          `-d${file}`,
          '-n1',
        ],
        { signal },
      )
      if (code !== 0) throw new Error(`exit ${code}: ${stderr.trim().slice(-400)}`)
      const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN)
      const completed = number(/Queries completed:\s+(\d+)/)
      const lost = number(/Queries lost:\s+(\d+)/)
      const rate = number(/Queries per second:\s+([\d.]+)/)
      const rcodes = /Response codes:\s+(.*)/.exec(stdout)?.[1] ?? ''
      const problems = [
        ...(completed === QUERIES && lost === 0
          ? []
          : [
              {
                tag: 'lost',
                text: `${completed} of ${QUERIES} queries were answered, ${lost} lost`,
              },
            ]),
        ...(/^NOERROR \d+ \(100\.00%\)$/.test(rcodes)
          ? []
          : [{ tag: 'response-codes', text: `wanted NOERROR only, got ${rcodes}` }]),
      ]
      return { problems, note: `${Math.round(rate)} a second` }
    },
  )
}

/** Names of addresses, as many as there are queries. */
function queries(): string {
  return Array.from({ length: QUERIES }, (_, index) => {
    const [high, low] = [index >> 8, index & 255]
    return index % 2 === 0
      ? `ip4198-18-${high}-${low}.${ZONE} A`
      : `ip62001-db8--${(index + 1).toString(16)}.${ZONE} AAAA`
  })
    .map((line) => `${line}\n`)
    .join('')
}
