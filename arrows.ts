import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * Who may import whom. A room is a folder; `impl` and `scenarios` stand for the files directly in them. Tests may
 * import anything: they show rooms working together.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'impl/wire': [],
  'impl/denied': ['impl/wire'],
  'impl/proof': ['impl/wire', 'impl/denied'],
  'impl/dns': ['impl/wire'],
  'impl/issue': ['impl/wire', 'impl/denied'],
  'impl/client': ['impl/wire'],
  impl: ['impl/wire', 'impl/denied', 'impl/proof', 'impl/dns', 'impl/issue', 'impl/client'],
  'scenarios/engine/machine': [],
  'scenarios/engine/ca': ['scenarios/engine/machine'],
  // Time, chance and the network beneath Node's own modules: it knows neither us nor the engine.
  'scenarios/engine/sim': [],
  'scenarios/engine/markup': [],
  'scenarios/engine/mutation': [],
  'scenarios/engine': [
    'impl/index.ts',
    'scenarios/engine/ca',
    'scenarios/engine/machine',
    'scenarios/engine/markup',
    'scenarios/engine/sim',
  ],
  scenarios: [
    'scenarios/engine',
    'scenarios/engine/ca',
    'scenarios/engine/machine',
    'scenarios/engine/markup',
    'scenarios/engine/mutation',
    'scenarios/engine/sim',
    'impl/index.ts',
  ],
  // It judges strangers, and shares no code with what it judges.
  conformance: [
    'scenarios/engine/ca',
    'scenarios/engine/machine',
    'scenarios/engine/markup',
    'scenarios/engine/mutation',
  ],
  // Our client as an application has it, for the suite to run as a program: no part of the suite.
  'conformance/client/our-client': ['impl/index.ts'],
}

/** Programs: only they read the arguments and the environment, and end the process. */
const PROGRAMS = /(^|\/)cli\.ts$|^(bench|build|check|test)\.ts$/

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'|(?:^|\n)\s*import\s+'(\.[^']+)'/g
const PROCESS = /\bprocess\.(argv|env|exit)\b/

/** What is wrong with a file's imports, a line each; `path` is relative to the root of the repository. */
export function arrowProblems(path: string, text: string): string[] {
  if (path.endsWith('.test.ts') || path.endsWith('.bench.ts')) return []
  // What several benchmarks stand on.
  if (path.startsWith('scenarios/bench/')) return []
  const problems: string[] = []
  const room = roomOf(path)
  if (room !== undefined) {
    for (const match of text.matchAll(IMPORT)) {
      const imported = join(dirname(path), match[1] ?? match[2] ?? match[3] ?? '')
      const target = roomOf(imported)
      if (target === undefined || target === room) continue
      const allowed = ARROWS[room] ?? []
      if (!allowed.includes(target) && !allowed.includes(imported)) {
        problems.push(
          `${path} imports ${imported}: ${room} may import ${allowed.join(', ') || 'no other room'}`,
        )
      }
    }
  }
  // Comments speak of process.env too; what counts is code.
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const use = PROCESS.exec(code)
  if (use !== null && !PROGRAMS.test(path)) {
    problems.push(
      `${path} uses ${use[0]}: only programs (cli.ts) may; take what you need as an option`,
    )
  }
  return problems
}

/** The table as a Mermaid diagram: README.md holds it, and the check compares. */
export function arrowDiagram(): string {
  const id = (room: string): string => room.replaceAll(/[^a-z]/g, '_')
  const lines = Object.entries(ARROWS).flatMap(([room, targets]) => [
    `  ${id(room)}["${room}"]`,
    ...targets.map((target) => `  ${id(room)} --> ${id(target.replace('/index.ts', ''))}`),
  ])
  return ['```mermaid', 'flowchart LR', ...lines, '```'].join('\n')
}

/** Checks the files of a checkout, and the diagram in its README. */
export function checkArrows(root: string, files: readonly string[]): string[] {
  const problems = files.flatMap((file) =>
    arrowProblems(relative(root, join(root, file)), readFileSync(join(root, file), 'utf8')),
  )
  if (!readFileSync(join(root, 'README.md'), 'utf8').includes(arrowDiagram())) {
    problems.push(
      `README.md does not hold the diagram of arrows.ts; put this there:\n${arrowDiagram()}`,
    )
  }
  return problems
}

function roomOf(path: string): string | undefined {
  const folders = path.split('/').slice(0, -1)
  for (let depth = folders.length; depth > 0; depth--) {
    const room = folders.slice(0, depth).join('/')
    if (ARROWS[room] !== undefined) return room
  }
  return undefined
}
