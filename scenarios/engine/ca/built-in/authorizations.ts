// Authorizations and their challenges (RFC 8555 sections 7.1.4 and 7.5).
import { accountPost, payloadObject } from './authentication.ts'
import { reuseKey } from './state.ts'
import { dateText, owned, urlOf, type Answer, type Call } from './call.ts'
import { notFound, Problem } from './problems.ts'
import { chance, randomId } from './random.ts'
import type { Account, Authorization, Ca, Challenge } from './state.ts'
import { validate } from './validation.ts'

/** The authorization for a name of a new order: a valid one of the account, or a new one. */
export function authorize({ state, settings }: Ca, account: Account, name: string): Authorization {
  const known = state.reusable.get(reuseKey(account.id, name))
  const usable = known?.status === 'valid' && known.expiresMs > Date.now()
  if (usable && chance(settings.authorizationReuse)) return known
  const wildcard = name.startsWith('*.')
  const id = randomId()
  const challenge: Challenge = {
    id: randomId(),
    authorizationId: id,
    token: randomId(32),
    status: 'pending',
    validatedMs: undefined,
    error: undefined,
  }
  const authorization: Authorization = {
    id,
    accountId: account.id,
    name: wildcard ? name.slice(2) : name,
    wildcard,
    challenge,
    status: 'pending',
    expiresMs: Date.now() + settings.authorizationLifetimeMs,
  }
  state.authorizations.set(id, authorization)
  state.challenges.set(challenge.id, challenge)
  return authorization
}

/** Reads or deactivates (section 7.5.2). */
export async function authorization(call: Call): Promise<Answer> {
  const post = await accountPost(call)
  const { state } = call.ca
  const found = owned(state.authorizations.get(call.id), post.account, 'authorization')
  if (post.payload !== '') {
    const { status } = payloadObject(post)
    if (status !== 'deactivated') {
      throw new Problem('malformed', `status must be "deactivated", not ${JSON.stringify(status)}`)
    }
    if (found.status === 'invalid') {
      throw new Problem('malformed', 'the authorization is invalid, it cannot be deactivated')
    }
    found.status = status
  }
  const { name, wildcard, status, expiresMs, challenge } = found
  const expired = expiresMs <= Date.now() && (status === 'valid' || status === 'pending')
  return {
    headers: challenge.status === 'processing' ? retryAfter(call) : {},
    body: {
      status: expired ? (status === 'valid' ? 'expired' : 'invalid') : status,
      expires: dateText(expiresMs),
      identifier: { type: 'dns', value: name },
      challenges: [challengeView(call, challenge)],
      // Section 7.1.4: absent where it is not one.
      ...(wildcard ? { wildcard } : {}),
    },
  }
}

/** Reads a challenge, or begins its validation (section 7.5.1). */
export async function challenge(call: Call): Promise<Answer> {
  const post = await accountPost(call)
  const { ca } = call
  const found = ca.state.challenges.get(call.id)
  const holder = found && ca.state.authorizations.get(found.authorizationId)
  if (found === undefined || holder === undefined) throw notFound('challenge')
  owned(holder, post.account, 'challenge')
  if (post.payload !== '') {
    payloadObject(post)
    if (found.status !== 'pending') {
      throw new Problem(
        'malformed',
        `Cannot update challenge with status ${found.status}, only status pending`,
      )
    }
    if (holder.status !== 'pending' || holder.expiresMs <= Date.now()) {
      throw new Problem('malformed', 'the authorization of this challenge is no longer pending')
    }
    found.status = 'processing'
    void validate(ca, holder, `${found.token}.${post.thumbprint}`)
  }
  return {
    headers: found.status === 'processing' ? retryAfter(call) : {},
    body: challengeView(call, found),
    links: [{ url: urlOf(call, 'authorization', holder.id), relation: 'up' }],
  }
}

function challengeView(
  call: Call,
  { id, token, status, validatedMs, error }: Challenge,
): Readonly<Record<string, unknown>> {
  return {
    type: 'dns-01',
    url: urlOf(call, 'challenge', id),
    status,
    token,
    ...(validatedMs === undefined ? {} : { validated: dateText(validatedMs) }),
    ...(error === undefined ? {} : { error }),
  }
}

function retryAfter({ ca: { settings } }: Call): Readonly<Record<string, string>> {
  const { retryAfterSeconds: seconds } = settings
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) }
}
