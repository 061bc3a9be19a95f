import { build, type Rolldown } from 'vite'

/** A page's program as one script without imports; `entry` is TypeScript for browsers. */
export async function pageScript(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      lib: { entry, formats: ['iife'], name: 'page' },
    },
  })
  const [{ output } = { output: [] }] = [built].flat() as Rolldown.RolldownOutput[]
  const code = output.flatMap((part) => (part.type === 'chunk' ? [part.code] : []))[0]
  if (code === undefined) throw new Error(`"${entry}" became no script`)
  // The script stands in a page, which would end where its text says so.
  return code.replaceAll('</script', String.raw`<\/script`)
}
