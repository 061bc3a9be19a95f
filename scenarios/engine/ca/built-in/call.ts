// One request and its answer, as the handlers see them.
import { notFound, Problem } from './problems.ts'
import type { Ca } from './state.ts'

/**
 * Pebble's paths: whoever tells requests apart by them (the proxy of a scenario) does so for both, and a client that
 * builds a path by itself fails with both.
 */
export const PATHS = {
  directory: '/dir',
  newNonce: '/nonce-plz',
  newAccount: '/sign-me-up',
  account: '/my-account/',
  orders: '/list-orderz/',
  newOrder: '/order-plz',
  order: '/my-order/',
  authorization: '/authZ/',
  challenge: '/chalZ/',
  finalize: '/finalize-order/',
  certificate: '/certZ/',
  revokeCertificate: '/revoke-cert',
  keyChange: '/rollover-account-key',
  renewalInfo: '/renewal-info/',
} as const

export interface Call {
  readonly ca: Ca
  readonly method: string
  /** What follows the resource's path; empty for a resource that there is one of. */
  readonly id: string
  readonly query: URLSearchParams
  /** The URL that was asked, as a JWS must name it. */
  readonly url: string
  /** `https://HOST:PORT` by the Host header, so that a proxy in front stays in front. */
  readonly base: string
  readonly remoteAddress: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface Answer {
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly links?: readonly { readonly url: string; readonly relation: string }[]
  /** An object is JSON; a text is of the type that the headers say. */
  readonly body?: object | string
}

export type Handler = (call: Call) => Answer | Promise<Answer>

export function urlOf({ base }: Call, resource: keyof typeof PATHS, id = ''): string {
  return `${base}${PATHS[resource]}${id}`
}

/** The id behind a URL of ours, or undefined. */
export function idOf(call: Call, resource: keyof typeof PATHS, url: unknown): string | undefined {
  const prefix = urlOf(call, resource)
  return typeof url === 'string' && url.startsWith(prefix) ? url.slice(prefix.length) : undefined
}

/**
 * What the account asks for, where it is its own.
 *
 * @throws {Problem} where there is none, or it belongs to another account
 */
export function owned<T extends { readonly accountId: string }>(
  found: T | undefined,
  account: { readonly id: string },
  what: string,
): T {
  if (found === undefined) throw notFound(what)
  if (found.accountId !== account.id) {
    throw new Problem('unauthorized', `the ${what} belongs to another account`)
  }
  return found
}

/** Times in objects have whole seconds, as RFC 3339 texts of a real CA have. */
export function dateText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
