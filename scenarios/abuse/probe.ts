// Loaded into a process that is abused (node --import), and tells the one that abuses it how that process is. The
// program itself does not know of it.
import type { Health } from './watched.ts'

process.on('message', (message) => {
  if (message !== 'health?' && message !== 'health without garbage?') return
  if (message === 'health without garbage?') {
    // Twice: the first round runs finalizers, which let go of more.
    globalThis.gc?.()
    globalThis.gc?.()
  }
  const { heapUsed, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) {
    resources[name] = (resources[name] ?? 0) + 1
  }
  process.send?.({ heapBytes: heapUsed, rssBytes: rss, resources } satisfies Health)
})
// Nobody is left who could end us.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
// Being asked is no reason to go on running.
process.channel?.unref()
