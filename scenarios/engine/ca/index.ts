// Which ACME CA a run uses. Pebble is looked for in a fixed order and the run says which it took; all
// kinds are one AcmeCa, so that a scenario never knows whether its CA is a process, a container or a URL.
//
//   await using ca = await openAcmeCa({ ...caOptionsFromEnvironment(process.env), resolver, workDirectory, signal })
//
import { CaUnavailableError } from './acme-ca.ts'
import type { AcmeCa, AcmeCaOptions } from './acme-ca.ts'
import { findWays, unavailableMessage } from './find.ts'
import type { Way } from './find.ts'
import { lookAtMachine } from './machine.ts'
import { openWay } from './ways.ts'

export { CaUnavailableError } from './acme-ca.ts'
export type { AcmeCa, AcmeCaKind, AcmeCaOptions } from './acme-ca.ts'
export type { BuiltInCaOptions } from './built-in/options.ts'
export type { CaEffect, CaResource, CaRule } from './ca-faults.ts'
export { freePorts } from './ports.ts'
export { CaProxy } from './proxy.ts'
export type { CaProxyInit, ProxiedRequest, RenewalWindow } from './proxy.ts'
export { openResolver } from './resolver.ts'
export { isTestHost } from './url.ts'
export type { Resolver, ResolverInit, Upstream } from './resolver.ts'

/**
 * Opens the CA of a run: it answers its directory when this returns.
 *
 * A way that was asked for by name (`acmeUrl`, `pebbleBinary`, `only`) is the only one tried; otherwise the
 * next one is tried where one fails.
 *
 * @throws {CaUnavailableError} where no CA can be had; callers end with exit code 2
 */
export async function openAcmeCa(options: AcmeCaOptions): Promise<AcmeCa> {
  const report = options.report ?? (() => {})
  const facts = await lookAtMachine(options)
  const ways = findWays(facts, options.only)
  const failures: string[] = []
  for (const way of ways) {
    options.signal.throwIfAborted()
    try {
      const ca = await openWay(way, options)
      report(`ACME CA: ${ca.description}`)
      return ca
    } catch (error) {
      options.signal.throwIfAborted()
      const failure = `${way.kind}: ${error instanceof Error ? error.message : String(error)}`
      failures.push(failure)
      if (!isLast(way, ways)) report(`no ACME CA by ${failure}; trying the next way`)
    }
  }
  throw new CaUnavailableError(unavailableMessage(facts, failures, options.commandWays))
}

/**
 * The options that a program takes from its environment: PEBBLE_BIN, PATH, and what installers need.
 *
 * @param environment `process.env` itself: where a container is started, variables are set in it
 */
export function caOptionsFromEnvironment(
  environment: Record<string, string | undefined>,
): Pick<AcmeCaOptions, 'pebbleBinary' | 'path' | 'machineEnvironment' | 'setEnvironment'> {
  const { PEBBLE_BIN: pebbleBinary, PATH: path } = environment
  return {
    ...(pebbleBinary === undefined || pebbleBinary === '' ? {} : { pebbleBinary }),
    ...(path === undefined ? {} : { path }),
    machineEnvironment: environment,
    setEnvironment: (name, value) => {
      environment[name] ??= value
    },
  }
}

function isLast(way: Way, ways: readonly Way[]): boolean {
  return ways.at(-1) === way
}
