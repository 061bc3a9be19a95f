// What Pebble is told: its configuration file, its arguments and its knobs, for versions 2.4 to 2.10.

import type { AcmeCaOptions } from './acme-ca.ts'

/** What may be asked of Pebble beside its knobs. */
export type PebbleWishes = Pick<
  AcmeCaOptions,
  'certificateValiditySeconds' | 'externalAccounts' | 'externalAccountRequired' | 'profiles'
>

export interface PebbleAddresses {
  /** Address that Pebble listens on: loopback for a process, every interface inside a container. */
  readonly host: string
  readonly acmePort: number
  readonly managementPort: number
}

/** Five years, the longest that Pebble 2.4 gives: longer ones overflow into that silently. */
const CERTIFICATE_VALIDITY_SECONDS_MAX = 157_766_400

/**
 * Knobs that make a run quick and each order a real one: no waiting before a validation, none reused from
 * an earlier order, and no nonce refused unless a scenario is about that.
 */
const KNOBS: Readonly<Record<string, string>> = {
  PEBBLE_VA_NOSLEEP: '1',
  PEBBLE_AUTHZREUSE: '0',
  PEBBLE_WFE_NONCEREJECT: '0',
}

/** The whole environment of Pebble: nothing is inherited, a knob left in a shell must not change a run. */
export function pebbleEnvironment(
  knobs: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { ...KNOBS, ...knobs }
}

/** @throws {RangeError} where the validity is not a whole number of seconds from 1 to five years */
export function pebbleConfiguration(
  { host, acmePort, managementPort }: PebbleAddresses,
  files: { readonly certificate: string; readonly privateKey: string },
  wishes: PebbleWishes = {},
): string {
  const { certificateValiditySeconds, externalAccounts, profiles } = wishes
  return JSON.stringify(
    {
      pebble: {
        listenAddress: `${host}:${acmePort}`,
        managementListenAddress: `${host}:${managementPort}`,
        certificate: files.certificate,
        privateKey: files.privateKey,
        httpPort: 5002,
        tlsPort: 5001,
        ocspResponderURL: '',
        externalAccountBindingRequired: wishes.externalAccountRequired ?? false,
        ...(externalAccounts === undefined ? {} : { externalAccountMACKeys: externalAccounts }),
        ...(certificateValiditySeconds === undefined ? {} : validity(certificateValiditySeconds)),
        ...(profiles === undefined ? {} : { profiles: pebbleProfiles(profiles) }),
      },
    },
    undefined,
    2,
  )
}

export function pebbleArguments(configurationFile: string, resolver: string): readonly string[] {
  return ['-config', configurationFile, '-dnsserver', resolver]
}

function pebbleProfiles(profiles: NonNullable<PebbleWishes['profiles']>): object {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, { description, validitySeconds }]) => [
      name,
      { description, validityPeriod: validitySeconds },
    ]),
  )
}

function validity(seconds: number): object {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > CERTIFICATE_VALIDITY_SECONDS_MAX) {
    throw new RangeError(
      `certificateValiditySeconds is "${seconds}", wanted a whole number from 1 to ${CERTIFICATE_VALIDITY_SECONDS_MAX}`,
    )
  }
  // Pebble before 2.7 knows the first only, later ones look at profiles only; each ignores the other.
  return {
    certificateValidityPeriod: seconds,
    profiles: {
      default: {
        description: 'the only profile, so that none is chosen at random',
        validityPeriod: seconds,
      },
    },
  }
}
