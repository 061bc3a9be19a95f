import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../daemon.ts'
import { NAME_SERVERS, ZONE } from '../network.ts'
import { step, type Problem, type Step } from '../step.ts'

/**
 * Asks the servers themselves in every way that resolvers do, and judges the answers. Unlike zone checkers it takes
 * names, so that what is computed is judged too.
 */
export async function runDnsviz(
  name: string,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<Step> {
  return step({ tool: 'dnsviz', what: name }, async () => {
    const servers = NAME_SERVERS.flatMap(({ ip4, ip6 }) => [ip4, `[${ip6}]`])
    const probed = await runTool(
      'dnsviz',
      [
        'probe',
        // Authoritative servers, of the zone as it is told: the root here has no names for it.
        '-A',
        `-x${ZONE}:${NAME_SERVERS.flatMap(({ name: server, ip4, ip6 }) => [`${server}=${ip4}`, `${server}=[${ip6}]`]).join(',')}`,
        name,
      ],
      { signal },
    )
    if (probed.code !== 0)
      throw new Error(`dnsviz probe of ${servers.join()}: ${probed.stderr.trim().slice(-400)}`)
    const file = join(folder, `${name}.dnsviz.json`)
    await writeFile(file, probed.stdout)
    const judged = await runTool('dnsviz', ['grok', '-l', 'warning', '-r', file], { signal })
    if (judged.code !== 0) throw new Error(`dnsviz grok: ${judged.stderr.trim().slice(-400)}`)
    const text = judged.stdout.trim()
    return { problems: text === '' ? [] : findProblems(JSON.parse(text), []) }
  })
}

/** Its output is a tree in which lists of errors and warnings hang anywhere. */
function findProblems(node: unknown, path: readonly string[]): Problem[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) => {
    if ((key === 'errors' || key === 'warnings') && Array.isArray(value)) {
      return value.map((problem: { code?: string; description?: string }) => ({
        tag: problem.code ?? 'unnamed',
        text: `${path.join(' ')}: ${problem.description ?? JSON.stringify(problem)}`,
      }))
    }
    return findProblems(value, [...path, key])
  })
}
