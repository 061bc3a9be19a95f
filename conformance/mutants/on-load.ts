import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { mutate, type Mutant } from './mutant.ts'

/** The repository, where mutants' files are. */
export const ROOT = join(import.meta.dirname, '../..')

/**
 * From now on this process loads the mutant's file with its mistake. A file that no longer has the text fails to load,
 * and the process with it. Hooks get the text before Node strips its types.
 */
export function mutateOnLoad(mutant: Pick<Mutant, 'file' | 'find' | 'replace'>): void {
  const mutated = pathToFileURL(join(ROOT, mutant.file)).href
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== mutated) return loaded
      const source =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      return { ...loaded, source: mutate(source, mutant) }
    },
  })
}

/** A module that a process loads before its program to become the mutant. */
export function preloadText({ file, find, replace }: Mutant): string {
  const module = pathToFileURL(import.meta.filename).href
  return `import { mutateOnLoad } from ${JSON.stringify(module)}\nmutateOnLoad(${JSON.stringify({ file, find, replace })})\n`
}
