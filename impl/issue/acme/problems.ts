/**
 * What to do after a failure:
 * - `retry`: the same step may work later, not before `retryAfterMs` where that is given;
 * - `reset`: the CA does not know our account or order any more: forget what `lost` names and begin anew;
 * - `final`: this step, as asked, will never work.
 */
export type AcmeAction = 'retry' | 'reset' | 'final'

/** What a `reset` is about. A lost account takes all its orders with it. */
export type AcmeLoss = 'account' | 'order'

/** What a request was about: it decides what a bare 404 means. */
export type AcmeResource =
  | 'directory'
  | 'nonce'
  | 'account'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'challenge'
  | 'finalize'
  | 'certificate'
  | 'revocation'
  | 'renewalInfo'

/** A problem document as it came. */
export interface Problem {
  readonly type?: string | undefined
  readonly detail?: string | undefined
  readonly instance?: string | undefined
  readonly subproblems?:
    | readonly (Omit<Problem, 'subproblems' | 'instance'> & {
        readonly identifier?: { readonly type: string; readonly value: string } | undefined
      })[]
    | undefined
}

/** The longest text of a CA that is kept of one field. */
const DETAIL_LENGTH_MAX = 500

const ERROR_TYPE_PREFIX = 'urn:ietf:params:acme:error:'

/** An operation that failed. Abortion by the caller's signal is not one: that throws the signal's reason. */
export class AcmeError extends Error {
  readonly action: AcmeAction
  /** How long the CA asked us to wait, counted from when the error was made. */
  readonly retryAfterMs: number | undefined

  constructor(
    action: AcmeAction,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options)
    this.name = new.target.name
    this.action = action
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The CA did not answer, or an order did not move, within its bound. Whether the CA acted is not known. */
export class AcmeTimeoutError extends AcmeError {
  constructor(message: string, options?: ErrorOptions) {
    super('retry', message, options)
    // The name by which Node and libp2p know every timeout.
    this.name = 'TimeoutError'
  }
}

/** No connection, or one that broke. `sent` is whether a POST may have reached the CA. */
export class AcmeConnectionError extends AcmeError {
  readonly sent: boolean

  constructor(message: string, options: ErrorOptions & { readonly sent: boolean }) {
    super('retry', message, options)
    this.sent = options.sent
  }
}

/** An answer that is not what RFC 8555 asks for: not JSON, of another shape, too long. */
export class AcmeResponseError extends AcmeError {
  constructor(message: string, options?: ErrorOptions) {
    super('retry', message, options)
  }
}

/** A problem document (RFC 7807, RFC 8555 section 6.7), or an error status without one. */
export class AcmeProblemError extends AcmeError {
  /** The type without `urn:ietf:params:acme:error:`, as `rateLimited`; `about:blank` where there was none. */
  readonly type: string
  /** The HTTP status; 0 for a problem that was found inside an order or challenge. */
  readonly status: number
  readonly detail: string
  /** The page a person must visit, for `userActionRequired`. */
  readonly instance: string | undefined
  readonly subproblems: readonly Subproblem[]
  readonly resource: AcmeResource
  /** What the CA lost, where the action is `reset`. */
  readonly lost: AcmeLoss | undefined

  constructor({ problem, status, resource, retryAfterMs, ...options }: AcmeProblemInit) {
    const type = shortType(problem.type)
    const lost = findLoss(type, status, resource)
    const detail = printable(problem.detail ?? '')
    const text = detail === '' ? '' : `: ${detail}`
    const action = options.action ?? (lost === undefined ? chooseAction(type, status) : 'reset')
    super(
      action,
      `${options.what ?? `${resource} request was refused`}: ${type} (${status})${text}`,
      {
        retryAfterMs,
      },
    )
    this.type = type
    this.status = status
    this.detail = detail
    this.instance = problem.instance
    this.subproblems = (problem.subproblems ?? []).map((subproblem) => ({
      type: shortType(subproblem.type),
      detail: printable(subproblem.detail ?? ''),
      identifier: subproblem.identifier?.value,
    }))
    this.resource = resource
    this.lost = lost
  }
}

/** The part of a problem that is about one identifier (RFC 8555 section 6.7.1). */
export interface Subproblem {
  readonly type: string
  readonly detail: string
  readonly identifier: string | undefined
}

/** An order that ended as `invalid` (or `deactivated`): it stays so, only a new order can help. */
export class AcmeOrderInvalidError extends AcmeProblemError {
  readonly orderUrl: string
  /** Names whose validation the CA tried and saw fail; none when the order ended otherwise, as by its age. */
  readonly failedNames: readonly string[]

  constructor({ orderUrl, orderStatus, problem, failedNames = [] }: AcmeOrderInvalidInit) {
    super({
      problem,
      status: 0,
      resource: 'order',
      action: 'final',
      what: `order "${orderUrl}" is ${orderStatus}`,
    })
    this.orderUrl = orderUrl
    this.failedNames = failedNames
  }
}

interface AcmeProblemInit {
  readonly problem: Problem
  readonly status: number
  readonly resource: AcmeResource
  readonly retryAfterMs?: number | undefined
  /** In place of the action that type and status ask for. */
  readonly action?: AcmeAction
  /** What the message begins with. */
  readonly what?: string
}

interface AcmeOrderInvalidInit {
  readonly orderUrl: string
  readonly orderStatus: string
  readonly problem: Problem
  readonly failedNames?: readonly string[]
}

/** Types of RFC 8555 section 6.7 after which the same step can work later. */
const RETRY_TYPES: ReadonlySet<string> = new Set([
  'badNonce',
  'rateLimited',
  'serverInternal',
  // The order is not where we thought: reading it again tells where it is.
  'orderNotReady',
])

const RETRY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])

function chooseAction(type: string, status: number): AcmeAction {
  if (RETRY_TYPES.has(type) || RETRY_STATUSES.has(status) || status >= 500) return 'retry'
  // An endpoint named by the directory and not there: a CA being deployed, or a broken proxy.
  return status === 404 && type === 'about:blank' ? 'retry' : 'final'
}

/** What an order leads to; Pebble answers a bare 404 for one it has lost. */
const ORDER_RESOURCES: ReadonlySet<AcmeResource> = new Set([
  'order',
  'authorization',
  'challenge',
  'finalize',
  'certificate',
])

function findLoss(type: string, status: number, resource: AcmeResource): AcmeLoss | undefined {
  if (type === 'accountDoesNotExist') return 'account'
  return (status === 404 || status === 410) && ORDER_RESOURCES.has(resource) ? 'order' : undefined
}

function shortType(type: string | undefined): string {
  if (type === undefined || type === '') return 'about:blank'
  return printable(type.startsWith(ERROR_TYPE_PREFIX) ? type.slice(ERROR_TYPE_PREFIX.length) : type)
}

/** A stranger's text for a log: cut, and without what could break a line or a terminal. */
function printable(text: string): string {
  const cut = text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX)}…` : text
  return cut.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' ? ' ' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
