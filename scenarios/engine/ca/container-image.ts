// The image that Pebble runs in: from a program of this machine without any registry, or from
// docker/pebble/Dockerfile with one.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ContainerRuntimeClient } from 'testcontainers'

const FOLDER = fileURLToPath(new URL('../../../docker/pebble', import.meta.url))
const REPOSITORY = 'nodetrust-pebble'
/** Where both Dockerfiles put the program. */
const PROGRAM = 'usr/bin/pebble'
const LDD_TIMEOUT_MS = 5_000
/** Pulling Debian and installing the package takes a minute on a slow line. */
const BUILD_TIMEOUT_MS = 10 * 60_000

type Docker = ContainerRuntimeClient['container']['dockerode']

/** The name of an image that the engine has; it is built when missing. */
export async function pebbleImage(
  docker: Docker,
  binary: string | undefined,
  init: { readonly signal: AbortSignal; readonly report: (line: string) => void },
): Promise<string> {
  const dockerfile = binary === undefined ? 'Dockerfile' : 'Dockerfile.local'
  // The tag names the contents, so a changed program or Dockerfile is never run from an old image.
  const hash = createHash('sha256').update(await readFile(join(FOLDER, dockerfile)))
  if (binary !== undefined) hash.update(await readFile(binary))
  const tag = `${binary === undefined ? 'debian' : 'local'}-${hash.digest('hex').slice(0, 16)}`
  const image = `${REPOSITORY}:${tag}`
  if (await exists(docker, image)) return image
  init.report(`building the image ${image} (once) …`)
  const signal = AbortSignal.any([init.signal, AbortSignal.timeout(BUILD_TIMEOUT_MS)])
  if (binary === undefined) await build(docker, image, { context: FOLDER, dockerfile, signal })
  else await buildLocal(docker, image, { binary, dockerfile, signal })
  return image
}

async function buildLocal(
  docker: Docker,
  image: string,
  init: { readonly binary: string; readonly dockerfile: string; readonly signal: AbortSignal },
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'nodetrust-image-'))
  try {
    await copyFile(join(FOLDER, init.dockerfile), join(context, init.dockerfile))
    const copy = async (from: string, to: string) => {
      await mkdir(join(context, 'root', dirname(to)), { recursive: true })
      await copyFile(from, join(context, 'root', to))
    }
    await copy(init.binary, PROGRAM)
    for (const library of await libraries(init.binary)) await copy(library, library)
    await build(docker, image, { ...init, context })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** The libraries that ldd names, the loader included; none for a static program. */
async function libraries(binary: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ldd', [binary], { timeout: LDD_TIMEOUT_MS }).catch(
    (error: unknown) => {
      // ldd's exit code is 1 for a static program, and it says so.
      if (/not a dynamic executable/.test(String(error))) return { stdout: '' }
      throw error
    },
  )
  const named = [...stdout.matchAll(/(\/\S+) \(0x[0-9a-f]+\)/g)]
  return named.map(([, path = '']) => path)
}

/**
 * Builds through the engine's API: testcontainers' own builder does not say why a build failed, and waits
 * for ever where the engine refuses it.
 */
async function build(
  docker: Docker,
  image: string,
  init: { readonly context: string; readonly dockerfile: string; readonly signal: AbortSignal },
): Promise<void> {
  init.signal.throwIfAborted()
  const src = await readdir(init.context)
  const progress = await docker.buildImage(
    { context: init.context, src },
    { t: image, dockerfile: init.dockerfile, abortSignal: init.signal, forcerm: true },
  )
  await new Promise<void>((resolve, reject) => {
    init.signal.addEventListener('abort', () => reject(init.signal.reason), { once: true })
    docker.modem.followProgress(progress, (error, lines: readonly { error?: string }[]) => {
      const failure = error?.message ?? lines.find((line) => line.error !== undefined)?.error
      if (failure === undefined) resolve()
      else reject(new Error(`cannot build the image "${image}": ${failure.trim()}`))
    })
  })
}

async function exists(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect()
    return true
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return false
    throw error
  }
}
