// Problem documents (RFC 7807, RFC 8555 section 6.7): thrown wherever a request is refused, written by the server.

/** Types of RFC 8555 section 6.7, RFC 9773 section 7.4 and the profiles extension, with their usual status. */
const STATUS = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  invalidContact: 400,
  invalidProfile: 400,
  malformed: 400,
  orderNotReady: 403,
  rateLimited: 429,
  rejectedIdentifier: 400,
  serverInternal: 500,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
  userActionRequired: 403,
} as const

export type ProblemType = keyof typeof STATUS

const PREFIX = 'urn:ietf:params:acme:error:'

export interface ProblemDocument {
  readonly type: string
  readonly detail: string
  readonly status?: number
  readonly algorithms?: readonly string[]
  readonly subproblems?: readonly Subproblem[]
}

/** RFC 8555 section 6.7.1: the part that is about one identifier. */
export interface Subproblem {
  readonly type: string
  readonly detail: string
  readonly identifier: { readonly type: 'dns'; readonly value: string }
}

export interface ProblemOptions {
  /** In place of the type's usual one. */
  readonly status?: number
  readonly retryAfterSeconds?: number
  readonly headers?: Readonly<Record<string, string>>
  /** RFC 8555 section 6.2: what badSignatureAlgorithm lists. */
  readonly algorithms?: readonly string[]
  readonly subproblems?: readonly Subproblem[]
}

/** A request that is refused. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly type: ProblemType
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly document: ProblemDocument

  constructor(type: ProblemType, detail: string, options: ProblemOptions = {}) {
    super(detail)
    const { retryAfterSeconds, headers = {}, algorithms, subproblems = [] } = options
    this.type = type
    this.status = options.status ?? STATUS[type]
    this.headers =
      retryAfterSeconds === undefined
        ? headers
        : { ...headers, 'Retry-After': String(retryAfterSeconds) }
    this.document = {
      type: `${PREFIX}${type}`,
      detail,
      status: this.status,
      ...(algorithms === undefined ? {} : { algorithms }),
      ...(subproblems.length === 0 ? {} : { subproblems }),
    }
  }
}

export function subproblem(type: ProblemType, detail: string, name: string): Subproblem {
  return { type: `${PREFIX}${type}`, detail, identifier: { type: 'dns', value: name } }
}

export function notFound(what: string): Problem {
  return new Problem('malformed', `there is no such ${what}`, { status: 404 })
}
