import { z } from 'zod'

import { AcmeResponseError } from './problems.ts'
import type { AcmeResource, Problem } from './problems.ts'

// The shapes of what a CA says (RFC 8555 section 7.1). A CA is a stranger too: what we use is checked and
// bounded, what we do not know is ignored (section 7.1: clients must ignore unrecognized fields).

/** Let's Encrypt and our own name rules end at 100 names; more would be an answer to somebody else's order. */
export const ORDER_NAMES_MAX = 100

const URL_LENGTH_MAX = 2048
const TEXT_LENGTH_MAX = 65_536

const text = z.string().max(TEXT_LENGTH_MAX)
const url = z.url({ protocol: /^https?$/ }).max(URL_LENGTH_MAX)
const date = z
  .string()
  .max(64)
  .transform((value) => Date.parse(value))
  .refine((value) => !Number.isNaN(value), 'not a date')

const identifier = z.object({ type: z.string().max(64), value: z.string().max(512) })

// What is unusable in a problem is left out: the rest of it, and its status, still count.
const problemFields = {
  type: text.optional().catch(undefined),
  detail: text.optional().catch(undefined),
}

export const problemShape = z.object({
  ...problemFields,
  instance: text.optional().catch(undefined),
  subproblems: z
    .array(z.object({ ...problemFields, identifier: identifier.optional().catch(undefined) }))
    .max(ORDER_NAMES_MAX)
    .optional()
    .catch(undefined),
})

export const directoryShape = z.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  revokeCert: url.optional(),
  keyChange: url.optional(),
  renewalInfo: url.optional(),
  meta: z
    .object({
      termsOfService: text.optional(),
      externalAccountRequired: z.boolean().optional(),
      profiles: z.record(z.string(), text).optional(),
    })
    .optional(),
})

export const accountShape = z.object({ status: z.string().max(64).optional() })

/** Pebble before 2.8 also says `deactivated`. */
const ORDER_STATUSES = [
  'pending',
  'ready',
  'processing',
  'valid',
  'invalid',
  'deactivated',
] as const

export const orderShape = z.object({
  status: z.enum(ORDER_STATUSES),
  expires: date.optional(),
  identifiers: z.array(identifier).min(1).max(ORDER_NAMES_MAX),
  authorizations: z.array(url).max(ORDER_NAMES_MAX),
  finalize: url,
  certificate: url.optional(),
  profile: z.string().max(256).optional(),
  replaces: z.string().max(256).optional(),
  error: problemShape.nullish(),
})

/** `processing` while the CA validates: Pebble says so since 2.5. */
const CHALLENGE_STATUSES = ['pending', 'processing', 'valid', 'invalid'] as const

export const challengeShape = z.object({
  type: z.string().max(64),
  url,
  status: z.enum(CHALLENGE_STATUSES),
  // RFC 8555 section 8.3: base64url only. Anything else must not get into a key authorization.
  token: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
  error: problemShape.nullish(),
})

const AUTHORIZATION_STATUSES = [
  'pending',
  'valid',
  'invalid',
  'deactivated',
  'expired',
  'revoked',
] as const

export const authorizationShape = z.object({
  identifier,
  status: z.enum(AUTHORIZATION_STATUSES),
  expires: date.optional(),
  challenges: z.array(challengeShape).max(32),
  wildcard: z.boolean().optional(),
})

export const renewalInfoShape = z.object({
  suggestedWindow: z.object({ start: date, end: date }),
  explanationURL: text.optional(),
})

export type Directory = z.infer<typeof directoryShape>
export type OrderStatus = (typeof ORDER_STATUSES)[number]

/** An order. Its `url` is all that must be kept to take it up again. */
export interface Order {
  readonly url: string
  readonly status: OrderStatus
  /** The names, in the CA's order, which Pebble shuffles. */
  readonly names: readonly string[]
  readonly authorizationUrls: readonly string[]
  readonly finalizeUrl: string
  /** Where the certificate is, once the order is `valid`. */
  readonly certificateUrl: string | undefined
  /** Milliseconds since 1970. */
  readonly expiresMs: number | undefined
  readonly profile: string | undefined
  readonly error: Problem | undefined
  /** How long the CA asked to wait before the next look. */
  readonly retryAfterMs: number | undefined
}

export interface Challenge {
  readonly type: string
  readonly url: string
  readonly status: (typeof CHALLENGE_STATUSES)[number]
  readonly token: string | undefined
  readonly error: Problem | undefined
}

export interface Authorization {
  readonly url: string
  /** The name without `*.`, which `wildcard` stands for. */
  readonly name: string
  readonly wildcard: boolean
  readonly status: (typeof AUTHORIZATION_STATUSES)[number]
  readonly expiresMs: number | undefined
  readonly challenges: readonly Challenge[]
}

export function toOrder(
  body: z.infer<typeof orderShape>,
  { url, retryAfterMs }: { readonly url: string; readonly retryAfterMs: number | undefined },
): Order {
  return {
    url,
    status: body.status,
    names: body.identifiers.map(({ value }) => value),
    authorizationUrls: body.authorizations,
    finalizeUrl: body.finalize,
    certificateUrl: body.certificate,
    expiresMs: body.expires,
    profile: body.profile,
    error: body.error ?? undefined,
    retryAfterMs,
  }
}

export function toAuthorization(
  body: z.infer<typeof authorizationShape>,
  url: string,
): Authorization {
  return {
    url,
    name: body.identifier.value,
    wildcard: body.wildcard ?? false,
    status: body.status,
    expiresMs: body.expires,
    challenges: body.challenges.map(toChallenge),
  }
}

export function toChallenge(body: z.infer<typeof challengeShape>): Challenge {
  return {
    type: body.type,
    url: body.url,
    status: body.status,
    token: body.token,
    error: body.error ?? undefined,
  }
}

/**
 * Reads a JSON answer.
 * @throws {AcmeResponseError} when it is not JSON or not of that shape
 */
export function parseMessage<T>(shape: z.ZodType<T>, body: string, resource: AcmeResource): T {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch (cause) {
    throw new AcmeResponseError(`answer to the ${resource} request is not json`, { cause })
  }
  const result = shape.safeParse(json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new AcmeResponseError(
    `answer to the ${resource} request has an unusable "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`,
  )
}

/** The problem document of an error answer; an empty one where the body holds none. */
export function parseProblem(body: string): Problem {
  try {
    const result = problemShape.safeParse(JSON.parse(body))
    return result.success ? result.data : {}
  } catch {
    // A bare 404 of Pebble, the HTML page of a proxy: the status is all there is to know.
    return {}
  }
}
