// npm run build: the packages as JavaScript, because Node strips no types from what lies in node_modules.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeConformancePackage } from './build-conformance.ts'

const root = import.meta.dirname

/** Empties the folder that a project writes to, and compiles it. */
function compile(project: string, folder: string): boolean {
  rmSync(join(root, folder), { recursive: true, force: true })
  return spawnSync('tsc', ['-p', project], { cwd: root, stdio: 'inherit' }).status === 0
}

const built =
  compile('tsconfig.build.json', 'dist') && compile('tsconfig.conformance.json', 'dist-conformance')
if (built) writeConformancePackage(root, join(root, 'dist-conformance'))
process.exitCode = built ? 0 : 1
