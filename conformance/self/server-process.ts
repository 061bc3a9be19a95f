import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** What `nodetrust serve --json` prints when the servers have started. */
export interface ServerAddresses {
  readonly libp2p: Readonly<Partial<Record<string, readonly string[]>>>
  readonly queries: readonly { readonly address: string; readonly port: number }[]
}

export interface ServerProcess {
  readonly addresses: ServerAddresses
  /** Resolves when it has ended although nobody asked it to, with how it ended and its last lines. */
  readonly crashed: Promise<string>
  stop(): Promise<void>
}

export interface ServerProcessInit {
  /** The program `nodetrust`: a TypeScript or JavaScript file. */
  readonly program: string
  readonly configFile: string
  /** All that it prints to standard error. */
  readonly logFile: string
  /** Files of modules that Node loads before the program. */
  readonly preload: readonly string[]
  readonly signal: AbortSignal
}

const START_TIMEOUT_MS = 30_000
const TAIL_LENGTH_MAX = 4 * 1024

/**
 * Starts servers and waits until they say where they are.
 * @throws {Error} with the last lines that they printed, or the reason of `signal`
 */
export async function startServerProcess(init: ServerProcessInit): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [
      ...init.preload.flatMap((file) => ['--import', pathToFileURL(file).href]),
      init.program,
      'serve',
      'all',
      `--config=${init.configFile}`,
      '--json',
      '--log=json',
    ],
    // Nothing of a shell's settings may change what is checked.
    { env: {}, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  // A run that ends without stopping its servers must not leave them behind.
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.on('exit', killAtExit)
  const log = createWriteStream(init.logFile, { mode: 0o600 })
  let tail = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log.write(chunk)
    tail = (tail + chunk.toString()).slice(-TAIL_LENGTH_MAX)
  })
  let stopping = false
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = closed.then(([code, signal]) => {
    process.off('exit', killAtExit)
    log.end()
    return `${signal ?? `exit ${code}`}; last lines: ${tail.trim()}`
  })
  const stop = async (): Promise<void> => {
    stopping = true
    // Its store goes with its folder: there is nothing that a slower end would save.
    child.kill('SIGKILL')
    await ended
  }
  try {
    const addresses = await readAddresses(child.stdout, {
      signal: AbortSignal.any([init.signal, AbortSignal.timeout(START_TIMEOUT_MS)]),
      ended,
    })
    const { promise: crashed, resolve } = Promise.withResolvers<string>()
    void ended.then((how) => {
      if (!stopping) resolve(how)
    })
    return { addresses, crashed, stop }
  } catch (error) {
    await stop()
    init.signal.throwIfAborted()
    throw error
  }
}

/** One JSON document; the stream stays open after it. */
async function readAddresses(
  stdout: NodeJS.ReadableStream,
  { signal, ended }: { readonly signal: AbortSignal; readonly ended: Promise<string> },
): Promise<ServerAddresses> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerAddresses>()
  let text = ''
  stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (!text.endsWith('}\n')) return
    try {
      resolve(JSON.parse(text) as ServerAddresses)
    } catch {
      // The rest is still on its way.
    }
  })
  signal.addEventListener(
    'abort',
    () => reject(new Error(`the servers did not start within ${START_TIMEOUT_MS} ms`)),
    { once: true },
  )
  void ended.then((how) => reject(new Error(`the servers did not start: ${how}`)))
  return await promise
}
