import { join } from 'node:path'
import { build, preview } from 'vite'

const PAGE = join(import.meta.dirname, 'page')

/** A page that a browser can load, over plain HTTP on loopback: which a browser trusts like HTTPS. */
export interface ServedPage extends AsyncDisposable {
  readonly url: string
}

/** Bundles the page for the browser into `folder`, js-libp2p and all, and serves it there. */
export async function servePage(folder: string): Promise<ServedPage> {
  const common = { configFile: false, root: PAGE, logLevel: 'warn' } as const
  await build({
    ...common,
    base: './',
    build: {
      outDir: folder,
      emptyOutDir: true,
      // Top-level await.
      target: 'es2022',
      chunkSizeWarningLimit: 4_096,
      // A failure names what the source names; the page is read from this very machine.
      minify: false,
    },
  })
  const server = await preview({
    ...common,
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 0, open: false },
  })
  const address = server.httpServer.address()
  if (address === null || typeof address === 'string') throw new Error('the page has no port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    [Symbol.asyncDispose]: () => server.close(),
  }
}
