// The words of this folder: what a run may ask of the ACME CA that it uses, and what opening one takes.
import { UnavailableError } from '../machine/machine.ts'
import type { BuiltInCaOptions, Profile } from './built-in/options.ts'

/** How a CA was had, in the order of preference: see `find.ts`. `built-in` is taken only where it is asked for. */
export type AcmeCaKind = 'url' | 'PEBBLE_BIN' | 'path' | 'container' | 'apt' | 'go' | 'built-in'

/** An ACME CA in use by one run. Operations are carried out one after the other, in the order of the calls. */
export interface AcmeCa extends AsyncDisposable {
  readonly kind: AcmeCaKind
  /** One line for people, for example `Pebble 2.4.0 from PATH (/usr/bin/pebble)`. */
  readonly description: string
  readonly directoryUrl: string
  /** PEM that the CA's own HTTPS certificate is verified with; Node's own roots for a URL given without one. */
  readonly certificateAuthority: string
  /** Whether `restart`, `pause`, `resume`, `kill` and `start` work: false for a CA given by URL. */
  readonly controllable: boolean
  /** File with everything the CA printed; it stays after `stop`. Undefined for a CA given by URL. */
  readonly logFile: string | undefined
  /** PEM of the roots of the certificates that the CA issues now; a restarted Pebble has new ones. */
  rootCertificates(): Promise<string>
  /** The last lines that the CA printed, at most 64 KiB. */
  logs(): string
  /** Ends the CA and starts it again on the same ports: it has lost accounts, orders and roots. */
  restart(): Promise<void>
  /** Freezes the CA: connections are accepted by the kernel and nothing is answered. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Ends the CA as a crash would: connections are refused until `start`. */
  kill(): Promise<void>
  /** Starts a killed CA on the same ports and waits until it answers; does nothing where it runs. */
  start(): Promise<void>
  /** Has it sign with new keys, below new roots, and keep all else; only the built-in CA can. */
  readonly changeKeys?: () => Promise<void>
  /** Ends the CA for good and leaves nothing of it but the log file. May be called again. */
  stop(): Promise<void>
}

export interface AcmeCaOptions {
  /** Directory URL of a CA to use instead of Pebble. */
  readonly acmeUrl?: string
  /** File with the PEM that verifies the HTTPS certificate of `acmeUrl`. @default Node's own roots */
  readonly acmeCertificateAuthority?: string
  /** File with the PEM of the roots that `acmeUrl` issues under. @default Node's own roots */
  readonly acmeRootCertificates?: string
  /** Host name of a public CA that may be used: without it only loopback, private and staging CAs are. */
  readonly publicCa?: string
  /** A Pebble program to use. */
  readonly pebbleBinary?: string
  /** Folders to look for programs in, as in the environment variable PATH. */
  readonly path?: string
  /** The environment that installers run in and a Docker engine is looked up in: usually `process.env`. */
  readonly machineEnvironment?: Readonly<Record<string, string | undefined>>
  /**
   * Sets a variable of this process's environment, by which alone testcontainers can be configured; one that
   * is set already is left. Without it the environment must be right as it is: see `container.ts`.
   */
  readonly setEnvironment?: (name: string, value: string) => void
  /** Takes this way only, instead of the first that works. */
  readonly only?: AcmeCaKind
  /** For who has no CA: the ways to one that the options of the command give, such as `give --acme URL`. @default none */
  readonly commandWays?: readonly string[]
  /** The DNS server that Pebble asks, as `127.0.0.1:PORT`. */
  readonly resolver: string
  /** Pebble's knobs (PEBBLE_…), over the defaults of `pebble-configuration.ts`. */
  readonly environment?: Readonly<Record<string, string>>
  /** Lifetime of issued certificates in seconds. @default Pebble's own, five years; 90 days of the built-in CA */
  readonly certificateValiditySeconds?: number
  /** MAC keys in base64url by key identifier, which accounts may be bound to (RFC 8555 section 7.3.4). @default none */
  readonly externalAccounts?: Readonly<Record<string, string>>
  /** Whether a new account must be bound to one of those. @default false */
  readonly externalAccountRequired?: boolean
  /** What an order may ask for, by name. Pebble has them since 2.6, and takes no common name from them. @default none */
  readonly profiles?: Readonly<Record<string, Profile>>
  /** Options of the built-in CA over what `environment` and `certificateValiditySeconds` say; others ignore it. */
  readonly builtIn?: Partial<BuiltInCaOptions>
  /** Where the built-in CA listens; others ignore it. @default a free port of 127.0.0.1 */
  readonly listen?: { readonly host: string; readonly port: number }
  /**
   * Whether a proxy of `proxy.ts` does TLS in front of it. The built-in CA then speaks plain HTTP, which is half of what a
   * request costs; others ignore it. @default false
   */
  readonly proxied?: boolean
  /** Folder for configuration, keys and log; made when missing. Each CA makes a folder of its own in it. */
  readonly workDirectory: string
  /** Ends the opening; a CA that is open is ended by `stop`. */
  readonly signal: AbortSignal
  /** Gets each line that the CA prints. */
  readonly onLog?: (line: string) => void
  /** Gets lines for people: which CA was taken, what is being installed, an unexpected end. */
  readonly report?: (line: string) => void
  /** Called when the CA ends although nobody asked it to. */
  readonly onFailure?: (error: Error) => void
}

/** No CA can be had on this machine: the message is one line that names the ways to get one. */
export class CaUnavailableError extends UnavailableError {
  override readonly name = 'CaUnavailableError'
}
