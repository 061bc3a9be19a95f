import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'

/** Files that the compiled suite reads, and those that people do. */
const ASSETS = [
  'LICENSE*',
  'conformance/README.md',
  'conformance/client/README.md',
  'conformance/REQUIREMENTS.md',
  'conformance/permanent/ids.json',
  'conformance/requirements/*.json',
  'conformance/reports/*.json',
  'conformance/reports/page/*',
  'scenarios/engine/markup/*.css',
  'conformance/vectors/**/*.json',
]

/** Starts a container where neither Pebble nor apt-get is: another way is taken where it is missing. */
const LEFT_OUT = ['testcontainers']

/** Where a package begins in code: `from 'zod'`, `import('zod')`, `import 'zod'`. */
const IMPORT = /\b(?:from\s+|import\s*\(?\s*)'([@\w][\w./@:-]*)'/g

/**
 * Makes a package of the compiled suite: its own, because `npx nodetrust-conformance` looks for a package of that name,
 * and because who checks another implementation has no use for ours.
 */
export function writeConformancePackage(root: string, folder: string): void {
  for (const file of globSync(ASSETS, { cwd: root })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(root, file), join(folder, file))
  }
  cpSync(join(root, 'conformance/README.md'), join(folder, 'README.md'))
  const { version, license, engines, dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  const known: Readonly<Record<string, string>> = { ...dependencies, ...devDependencies }
  const manifest = {
    name: 'nodetrust-conformance',
    version,
    description:
      'Checks nodetrust servers and clients against every requirement, whoever wrote them',
    license,
    bin: { 'nodetrust-conformance': 'conformance/cli.js' },
    files: ['conformance', 'scenarios', 'LICENSE*'],
    type: 'module',
    dependencies: Object.fromEntries(
      importedPackages(folder).map((name) => [name, versionOf(name, known)]),
    ),
    engines,
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

function importedPackages(folder: string): readonly string[] {
  const names = new Set<string>()
  for (const file of globSync('**/*.js', { cwd: folder })) {
    for (const [, specifier = ''] of readFileSync(join(folder, file), 'utf8').matchAll(IMPORT)) {
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const ofNode = specifier.startsWith('node:') || builtinModules.includes(name)
      if (!ofNode && !LEFT_OUT.includes(name)) names.add(name)
    }
  }
  return [...names].toSorted()
}

function versionOf(name: string, known: Readonly<Record<string, string>>): string {
  const version = known[name]
  if (version === undefined) throw new Error(`"${name}" is imported and not in package.json`)
  return version
}
