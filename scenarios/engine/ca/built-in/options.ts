// What a CA may be asked to be. The defaults make a quick run in which each order is a real one.
import type { SignatureKind } from '../signing.ts'
import type { LimitSettings } from './buckets.ts'

export interface BuiltInCaOptions {
  /** The DNS server that validations ask; an IPv4 or IPv6 address. */
  readonly resolver: { readonly address: string; readonly port: number }
  /** Lifetime of certificates in seconds where the profile does not say. @default 90 days */
  readonly certificateValiditySeconds?: number
  /** Other lifetimes from some day on; of those that have begun, the last one counts. @default none */
  readonly certificateLifetimes?: readonly Lifetime[]
  /** Chance that a good nonce is refused, from 0 to 1. @default 0 */
  readonly badNonces?: number
  /** Chance that a valid authorization of the account is used again in a new order, from 0 to 1. @default 0 */
  readonly authorizationReuse?: number
  /** Believes every challenge without asking DNS. @default false */
  readonly alwaysValid?: boolean
  /** Questions asked at once for one challenge, all of which must be answered well. @default 3 */
  readonly perspectives?: number
  /** How long one DNS question may take; it is asked by UDP first, and then once by TCP. @default 2000 */
  readonly dnsTimeoutMs?: number
  /** Roots beside the first, each with a chain of its own. @default 0 */
  readonly alternateRoots?: number
  /** Intermediates in a chain. @default 1 */
  readonly chainLength?: number
  /** @default 3 */
  readonly ordersPerPage?: number
  /** MAC keys in base64url by key identifier (RFC 8555 section 7.3.4). @default none */
  readonly externalAccounts?: Readonly<Record<string, string>>
  /** Whether new accounts must be bound to one of those. @default false */
  readonly externalAccountRequired?: boolean
  /**
   * What may be in a certificate: `lenient` as Pebble has it, or `public` as Let's Encrypt has it (no hyphen at a
   * label's end, 2 to 10 labels, names below a public suffix). @default 'lenient'
   */
  readonly namePolicy?: 'lenient' | 'public'
  /**
   * Suffixes under which names are registered: a registered domain is one label more, and limits count by it.
   * @default every last label
   */
  readonly publicSuffixes?: readonly string[]
  /** Names that are never certified, with all below them. @default none */
  readonly blockedNames?: readonly string[]
  /** @default 100 */
  readonly namesMax?: number
  /** By name; the first is taken where an order asks for none. @default none: the CA has no profiles */
  readonly profiles?: Readonly<Record<string, Profile>>
  /** @default none; `LETS_ENCRYPT_LIMITS` has those of Let's Encrypt */
  readonly limits?: LimitSettings
  /**
   * How certificates are signed. Chromium takes no Ed25519 (ERR_CERT_INVALID), so it is `ecdsa` where nobody says;
   * `ed25519` gives the same bytes for the same seed and request. @default 'ecdsa'
   */
  readonly signatures?: SignatureKind
  /** @default one day */
  readonly orderLifetimeMs?: number
  /** @default one hour, pending and valid */
  readonly authorizationLifetimeMs?: number
  /** Retry-After of orders and authorizations that are not done. @default none */
  readonly retryAfterSeconds?: number
  /** Retry-After of renewal information (RFC 9773 section 4.3.2). @default 6 hours, as Let's Encrypt */
  readonly renewalRetryAfterSeconds?: number
}

export interface Lifetime {
  /** In milliseconds since 1970. */
  readonly fromMs: number
  readonly seconds: number
}

export interface Profile {
  readonly description: string
  readonly validitySeconds: number
  /** Whether the first name that fits (64 characters) becomes the common name. @default false */
  readonly commonName?: boolean
}

export type Settings = Required<Omit<BuiltInCaOptions, 'limits' | 'retryAfterSeconds'>> &
  Pick<BuiltInCaOptions, 'limits' | 'retryAfterSeconds'>

const DAY_SECONDS = 86_400

export function settingsOf(options: BuiltInCaOptions): Settings {
  const settings: Settings = {
    certificateValiditySeconds: 90 * DAY_SECONDS,
    certificateLifetimes: [],
    badNonces: 0,
    authorizationReuse: 0,
    alwaysValid: false,
    perspectives: 3,
    dnsTimeoutMs: 2_000,
    alternateRoots: 0,
    chainLength: 1,
    ordersPerPage: 3,
    externalAccounts: {},
    externalAccountRequired: false,
    namePolicy: 'lenient',
    publicSuffixes: [],
    blockedNames: [],
    namesMax: 100,
    profiles: {},
    signatures: 'ecdsa',
    orderLifetimeMs: DAY_SECONDS * 1000,
    authorizationLifetimeMs: 3_600_000,
    renewalRetryAfterSeconds: DAY_SECONDS / 4,
    ...options,
  }
  const { certificateValiditySeconds: validity, certificateLifetimes: later, profiles } = settings
  const ofProfiles = Object.values(profiles).map((of) => of.validitySeconds)
  for (const seconds of [validity, ...later.map((of) => of.seconds), ...ofProfiles]) {
    if (!Number.isInteger(seconds) || seconds < 1) {
      throw new RangeError(
        `certificates are to be valid for "${seconds}" s, wanted a whole number from 1`,
      )
    }
  }
  return settings
}

/**
 * What Pebble's knobs mean here. One that is not known is refused: a run that wanted it would show nothing.
 *
 * @throws {RangeError} for a knob or a value that is not known
 */
export function optionsFromKnobs(
  knobs: Readonly<Record<string, string>>,
): Partial<BuiltInCaOptions> {
  return Object.assign(
    {},
    ...Object.entries(knobs).map(([name, value]) => {
      const knob = KNOBS[name]
      if (knob === undefined) {
        throw new RangeError(
          `the built-in CA has no knob "${name}", only ${Object.keys(KNOBS).join(', ')}`,
        )
      }
      return knob(wholeNumber(name, value))
    }),
  ) as Partial<BuiltInCaOptions>
}

const KNOBS: Readonly<Record<string, (value: number) => Partial<BuiltInCaOptions>>> = {
  PEBBLE_WFE_NONCEREJECT: (percent) => ({ badNonces: percent / 100 }),
  PEBBLE_AUTHZREUSE: (percent) => ({ authorizationReuse: percent / 100 }),
  PEBBLE_WFE_ORDERS_PER_PAGE: (ordersPerPage) => ({ ordersPerPage }),
  PEBBLE_ALTERNATE_ROOTS: (alternateRoots) => ({ alternateRoots }),
  PEBBLE_CHAIN_LENGTH: (chainLength) => ({ chainLength }),
  PEBBLE_VA_ALWAYS_VALID: (value) => ({ alwaysValid: value === 1 }),
  // It never sleeps.
  PEBBLE_VA_NOSLEEP: () => ({}),
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,3}$/.test(value)) {
    throw new RangeError(`${name} is "${value}", wanted a whole number below 1000`)
  }
  return Number(value)
}
