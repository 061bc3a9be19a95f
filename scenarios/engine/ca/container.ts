// Pebble in a container, by testcontainers.
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers'
import type { ContainerRuntimeClient } from 'testcontainers'
import type { AcmeCa, AcmeCaOptions } from './acme-ca.ts'
import { bounded, hasStatus, labels, removeAbandoned, removeRun } from './container-clean-up.ts'
import type { Docker } from './container-clean-up.ts'
import { pebbleImage } from './container-image.ts'
import type { Way } from './find.ts'
import { pebbleVersion } from './machine.ts'
import { pebbleArguments, pebbleConfiguration, pebbleEnvironment } from './pebble-configuration.ts'
import { openPebbleServer } from './pebble-server.ts'
import type { PebbleLaunch, PebbleRuntime } from './pebble-server.ts'

type Container = ReturnType<Docker['getContainer']>

/** Folder of Pebble's files inside the container. */
const FOLDER = '/nodetrust'

export async function openContainer(
  way: Extract<Way, { kind: 'container' }>,
  options: AcmeCaOptions,
): Promise<AcmeCa> {
  const client = await runtimeClient(way.socket, options.setEnvironment)
  const docker = client.container.dockerode
  await removeAbandoned(docker)
  const network = containerNetwork(process.platform, await bounded(docker.info(), 'ask the engine'))
  const { signal, report = () => {} } = options
  const image = await pebbleImage(docker, way.binary, { signal, report })
  const version = way.binary === undefined ? '' : ` ${await pebbleVersion(way.binary)}`
  const description = `Pebble${version} in a container (image ${image}, Docker engine ${way.socket})`
  return await openPebbleServer(
    { kind: 'container', description },
    options,
    (launch) => new PebbleContainer(client, image, network, launch),
  )
}

/**
 * Where the container's Pebble listens, and where it finds our resolver, which is on this machine's loopback.
 *
 * @throws {Error} where the engine's network has no way to that loopback
 */
export function containerNetwork(
  platform: string,
  engine: { readonly OperatingSystem?: string; readonly SecurityOptions?: readonly string[] },
): 'host' | 'published' {
  // The engine of Docker Desktop is in a virtual machine: its host network is not ours, its published
  // ports are on our loopback, and host.docker.internal leads back to it.
  if (platform !== 'linux' || /docker desktop/i.test(engine.OperatingSystem ?? ''))
    return 'published'
  if (engine.SecurityOptions?.some((option) => option.includes('rootless')) === true) {
    throw new Error('a rootless Docker engine cannot reach a DNS server on this loopback')
  }
  return 'host'
}

class PebbleContainer implements PebbleRuntime {
  readonly #client: ContainerRuntimeClient
  readonly #image: string
  readonly #network: 'host' | 'published'
  readonly #launch: PebbleLaunch
  readonly #run = randomUUID()
  #container: Container | undefined
  #paused = false
  #gone: Promise<void> = Promise.resolve()

  constructor(
    client: ContainerRuntimeClient,
    image: string,
    network: 'host' | 'published',
    launch: PebbleLaunch,
  ) {
    this.#client = client
    this.#image = image
    this.#network = network
    this.#launch = launch
  }

  async start(): Promise<void> {
    if (this.#container === undefined) return await this.#create()
    // Attached before it starts: the log of the earlier life is not read again.
    const output = await bounded(this.#client.container.attach(this.#container), 'attach')
    const container = this.#container
    await bounded(container.start(), 'start')
    this.#watch(container, output)
  }

  async kill(): Promise<void> {
    const container = this.#container
    if (container === undefined) return
    await this.resume() // An engine does not kill a paused container.
    await bounded(container.kill(), 'kill').catch((error: unknown) => {
      if (!hasStatus(error, 404, 409)) throw error // It does not run any more.
    })
    await bounded(this.#gone, 'wait for the end of')
  }

  async pause(): Promise<void> {
    if (this.#paused || this.#container === undefined) return
    await bounded(this.#container.pause(), 'pause')
    this.#paused = true
  }

  async resume(): Promise<void> {
    if (!this.#paused || this.#container === undefined) return
    await bounded(this.#container.unpause(), 'resume')
    this.#paused = false
  }

  /** By label, because a start that failed has a container that it never told us of. */
  async remove(): Promise<void> {
    await removeRun(this.#client.container.dockerode, this.#run)
  }

  async #create(): Promise<void> {
    const { options, acmePort, managementPort } = this.#launch
    let output: Readable | undefined
    const container = new PublishedContainer(this.#image)
      .withLabels(labels(this.#run))
      .withEnvironment(pebbleEnvironment(options.environment))
      .withCommand([...pebbleArguments(`${FOLDER}/pebble.json`, this.#resolver())])
      .withCopyContentToContainer(this.#files())
      .withLogConsumer((stream) => {
        output = stream
      })
    if (this.#network === 'host') container.withNetworkMode('host')
    else container.publish(acmePort, managementPort)
    // No wait strategy of testcontainers works on the host network for a port of our choice (they look at
    // published ports); the server asks the directory itself.
    const { signal } = options
    signal.throwIfAborted()
    const started = await bounded(container.start(), 'start')
    this.#container = this.#client.container.getById(started.getId())
    this.#watch(this.#container, output)
  }

  #watch(container: Container, output: Readable | undefined): void {
    output?.on('data', (chunk: string | Uint8Array) => {
      this.#launch.output(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    })
    output?.on('error', () => {})
    const drained = new Promise<void>((resolve) => {
      if (output === undefined || output.readableEnded) resolve()
      else output.once('close', resolve).once('end', resolve)
    })
    this.#gone = container.wait().then(
      async ({ StatusCode: code }: { StatusCode: number }) => {
        await bounded(drained, 'read the log of').catch(() => {})
        this.#launch.ended({ how: `exit ${code}`, interrupted: false })
      },
      (error: unknown) => this.#launch.ended({ how: String(error), interrupted: false }),
    )
  }

  #resolver(): string {
    const { resolver } = this.#launch.options
    return this.#network === 'host'
      ? resolver
      : resolver.replace(/^[^:]*:/, 'host.docker.internal:')
  }

  #files() {
    const { https, options } = this.#launch
    const certificate = `${FOLDER}/https-certificate.pem`
    const privateKey = `${FOLDER}/https-key.pem`
    const host = this.#network === 'host' ? '127.0.0.1' : '0.0.0.0'
    const configuration = pebbleConfiguration(
      { ...this.#launch, host },
      { certificate, privateKey },
      options,
    )
    return [
      { content: https.certificate, target: certificate },
      { content: https.privateKey, target: privateKey, mode: 0o600 },
      { content: configuration, target: `${FOLDER}/pebble.json` },
    ]
  }
}

/** testcontainers publishes on every interface of the machine; a test CA belongs on its loopback. */
class PublishedContainer extends GenericContainer {
  publish(...ports: readonly number[]): void {
    const names = ports.map((port) => `${port}/tcp`)
    this.createOpts.ExposedPorts = Object.fromEntries(names.map((name) => [name, {}]))
    this.hostConfig.PortBindings = Object.fromEntries(
      ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: `${port}` }]]),
    )
  }
}

/** testcontainers' client for one engine. It is configured by environment variables only. */
async function runtimeClient(
  socket: string,
  setEnvironment: (name: string, value: string) => void = () => {},
): Promise<ContainerRuntimeClient> {
  if (!socket.startsWith('//')) setEnvironment('DOCKER_HOST', `unix://${socket}`)
  // Its reaper is one more image to pull; what we start carries labels, and we remove it by them.
  setEnvironment('TESTCONTAINERS_RYUK_DISABLED', 'true')
  // Inside a container it would look for the gateway of a bridge network, which an engine need not have.
  setEnvironment('TESTCONTAINERS_HOST_OVERRIDE', '127.0.0.1')
  const client = await bounded(getContainerRuntimeClient(), 'find')
  const { socketPath } = client.container.dockerode.modem as { readonly socketPath?: string }
  if (socketPath !== undefined && socketPath !== socket && !socket.startsWith('//')) {
    throw new Error(`testcontainers uses the engine "${socketPath}", wanted "${socket}"`)
  }
  return client
}
