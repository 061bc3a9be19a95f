// The built-in CA as a run's ACME CA. It is asked for by name only: nobody should take it for Pebble by accident.
import { mkdir, mkdtemp } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import type { AcmeCa, AcmeCaOptions } from '../acme-ca.ts'
import { createHttpsCertificate } from '../https-certificate.ts'
import { freePorts } from '../ports.ts'
import { RunLog } from '../run-log.ts'
import { optionsFromKnobs } from './options.ts'
import { BuiltInCa } from './server.ts'

export { LETS_ENCRYPT_LIMITS } from './buckets.ts'
export type { BuiltInCaOptions } from './options.ts'
export { BuiltInCa } from './server.ts'
export type { BuiltInCaInit } from './server.ts'

const LOOPBACK = '127.0.0.1'
const PORT_ATTEMPTS_MAX = 5

export async function openBuiltIn(options: AcmeCaOptions): Promise<AcmeCa> {
  options.signal.throwIfAborted()
  await mkdir(options.workDirectory, { recursive: true })
  const directory = await mkdtemp(join(options.workDirectory, 'built-in-ca-'))
  const { listen } = options
  const https =
    options.proxied === true
      ? 'in-front'
      : await createHttpsCertificate({
          hosts: listen === undefined ? [LOOPBACK, 'localhost'] : [listen.host],
          signatures: 'ed25519',
        })
  const log = new RunLog(join(directory, 'ca.log'), options.onLog)
  for (let attempt = 1; ; attempt++) {
    const { host, port } = listen ?? { host: LOOPBACK, port: (await freePorts())[0] }
    const ca = new BuiltInCa({
      host,
      port,
      https,
      options: {
        resolver: parseAddress(options.resolver),
        ...optionsFromKnobs(options.environment ?? {}),
        ...(options.certificateValiditySeconds === undefined
          ? {}
          : { certificateValiditySeconds: options.certificateValiditySeconds }),
        externalAccounts: options.externalAccounts ?? {},
        externalAccountRequired: options.externalAccountRequired ?? false,
        profiles: options.profiles ?? {},
        ...options.builtIn,
      },
      onLog: (line) => log.write(Buffer.from(`${line}\n`)),
    })
    try {
      await ca.start()
      return asAcmeCa(ca, {
        log,
        certificateAuthority: https === 'in-front' ? '' : https.certificate,
      })
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (taken && listen === undefined && attempt < PORT_ATTEMPTS_MAX) continue
      await log.close()
      throw error
    }
  }
}

function asAcmeCa(
  ca: BuiltInCa,
  { log, certificateAuthority }: { readonly log: RunLog; readonly certificateAuthority: string },
): AcmeCa {
  let operations: Promise<void> = Promise.resolve()
  let stopping: Promise<void> | undefined
  const enqueue = async (operation: () => Promise<void> | void): Promise<void> => {
    if (stopping !== undefined) throw new Error('the CA is stopped, wanted one that is open')
    const result = operations.then(operation)
    operations = result.catch(() => {})
    await result
  }
  const stop = async (): Promise<void> => {
    stopping ??= operations.then(async () => {
      await ca.kill()
      await log.close()
    })
    await stopping
  }
  return {
    kind: 'built-in',
    description: 'the built-in CA, asked for in place of Pebble',
    directoryUrl: ca.directoryUrl,
    certificateAuthority,
    controllable: true,
    logFile: log.file,
    rootCertificates: async () => ca.rootCertificates.join(''),
    logs: () => log.tail(),
    restart: async () =>
      await enqueue(async () => {
        await ca.kill()
        await ca.start()
      }),
    pause: async () => await enqueue(() => ca.pause()),
    resume: async () => await enqueue(() => ca.resume()),
    kill: async () => await enqueue(() => ca.kill()),
    start: async () => await enqueue(() => ca.start()),
    changeKeys: async () => await enqueue(() => ca.changeKeys()),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** `127.0.0.1:53` or `[::1]:53`. @throws {TypeError} */
function parseAddress(text: string): { readonly address: string; readonly port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text)
  const address = parts?.[1] ?? parts?.[2]
  if (address === undefined || (parts?.[1] !== undefined && !isIPv6(address))) {
    throw new TypeError(`the resolver is "${text}", wanted ADDRESS:PORT`)
  }
  return { address, port: Number(parts?.[3]) }
}
