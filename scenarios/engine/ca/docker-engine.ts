// Is there a Docker engine? A client program or a socket file proves nothing: the engine must answer.
import { request } from 'node:http'
import { join } from 'node:path'

const PING_TIMEOUT_MS = 2_000

/** The socket of the first engine that answers, where Docker Desktop, rootless and plain engines put it. */
export async function findDockerSocket(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  for (const socket of dockerSockets(environment)) {
    if (await pingDocker(socket)) return socket
  }
  return undefined
}

/** Exported for tests. */
export function dockerSockets(
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { DOCKER_HOST: host, HOME: home, XDG_RUNTIME_DIR: runtime } = environment
  // An engine named explicitly is the only one; one on another machine could not reach our resolver.
  if (host !== undefined && host !== '') {
    return host.startsWith('unix://') ? [host.slice('unix://'.length)] : []
  }
  if (process.platform === 'win32') return ['//./pipe/docker_engine']
  return [
    '/var/run/docker.sock',
    ...(home === undefined ? [] : [join(home, '.docker/run/docker.sock')]),
    ...(home === undefined ? [] : [join(home, '.docker/desktop/docker.sock')]),
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
  ]
}

export async function pingDocker(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const signal = AbortSignal.timeout(PING_TIMEOUT_MS)
    const ping = request({ socketPath, path: '/_ping', signal, agent: false }, (response) => {
      response.resume()
      response.on('error', () => resolve(false))
      resolve(response.statusCode === 200)
    })
    ping.on('error', () => resolve(false))
    ping.end()
  })
}
