import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mutate, type Mutation } from './mutate.ts'

/** The repository, where the files are. */
export const ROOT = join(import.meta.dirname, '../../..')

/**
 * From now on this process loads the files with these mistakes. One that no longer has the text fails to load,
 * and the process with it. Hooks get the text before Node strips its types.
 */
export function mutateOnLoad(mutations: readonly Mutation[]): void {
  const byUrl = Map.groupBy(mutations, ({ file }) => pathToFileURL(join(ROOT, file)).href)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const here = byUrl.get(url)
      if (here === undefined) return loaded
      const source =
        typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source)
      return { ...loaded, source: here.reduce(mutate, source) }
    },
  })
}

/** A module that a process loads before its program to become what is wrong so. */
export function preloadText(mutations: readonly Mutation[]): string {
  const module = pathToFileURL(import.meta.filename).href
  const texts = mutations.map(({ file, find, replace }) => ({ file, find, replace }))
  return `import { mutateOnLoad } from ${JSON.stringify(module)}\nmutateOnLoad(${JSON.stringify(texts)})\n`
}

/** The same for Node's option `--import`, without a file. */
export function preloadUrl(mutations: readonly Mutation[]): string {
  return `data:text/javascript,${encodeURIComponent(preloadText(mutations))}`
}
