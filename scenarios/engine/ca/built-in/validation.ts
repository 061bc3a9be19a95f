// Whether a challenge is met (RFC 8555 section 8.4): each perspective must find the value in DNS.
import { createHash } from 'node:crypto'
import { reuseKey } from './state.ts'
import { lookupTxt } from './dns-lookup.ts'
import { messageOf } from './jws.ts'
import { countFailure } from './limits.ts'
import { Problem } from './problems.ts'
import type { Authorization, Ca } from './state.ts'

const NXDOMAIN = 3
const RCODES: Readonly<Record<number, string>> = {
  2: 'SERVFAIL',
  [NXDOMAIN]: 'NXDOMAIN',
  5: 'REFUSED',
}
/** Values of a stranger that a problem quotes. */
const QUOTED_MAX = 3
const QUOTED_LENGTH_MAX = 64

/** Ends with the challenge valid or invalid; never rejects. */
export async function validate(
  ca: Ca,
  authorization: Authorization,
  keyAuthorization: string,
): Promise<void> {
  const { settings, state, log } = ca
  const { challenge, name } = authorization
  const value = createHash('sha256').update(keyAuthorization).digest('base64url')
  const problems = settings.alwaysValid ? [] : await ask(ca, `_acme-challenge.${name}`, value)
  await ca.awake()
  const [problem] = problems
  if (problem === undefined) {
    challenge.status = 'valid'
    challenge.validatedMs = Date.now()
    if (authorization.status === 'pending') {
      authorization.status = 'valid'
      authorization.expiresMs = Date.now() + settings.authorizationLifetimeMs
      const ordered = authorization.wildcard ? `*.${name}` : name
      state.reusable.set(reuseKey(authorization.accountId, ordered), authorization)
    }
  } else {
    challenge.status = 'invalid'
    challenge.error = problem.document
    if (authorization.status === 'pending') authorization.status = 'invalid'
    countFailure(ca, authorization)
  }
  log(
    `challenge of ${name} is ${challenge.status}${problem === undefined ? '' : `: ${problem.message}`}`,
  )
}

/** All perspectives at once; what is wrong, if anything. */
async function ask(
  { settings, signal }: Ca,
  name: string,
  value: string,
): Promise<readonly Problem[]> {
  const { resolver, dnsTimeoutMs: timeoutMs, perspectives } = settings
  const results = await Promise.all(
    Array.from({ length: perspectives }, async () => {
      try {
        return judge(name, value, await lookupTxt(name, { resolver, timeoutMs, signal }))
      } catch (error) {
        return new Problem('dns', `DNS problem: looking up TXT for ${name}: ${messageOf(error)}`)
      }
    }),
  )
  return results.filter((problem) => problem !== undefined)
}

function judge(
  name: string,
  value: string,
  { rcode, values }: { readonly rcode: number; readonly values: readonly string[] },
): Problem | undefined {
  if (rcode !== 0) {
    const said = RCODES[rcode] ?? `code ${rcode}`
    return new Problem('dns', `DNS problem: ${said} looking up TXT for ${name}`)
  }
  if (values.includes(value)) return undefined
  if (values.length === 0) return new Problem('unauthorized', `No TXT record found at ${name}`)
  const quoted = values
    .slice(0, QUOTED_MAX)
    .map((text) => JSON.stringify(text.slice(0, QUOTED_LENGTH_MAX)))
  const more = values.length - quoted.length
  return new Problem(
    'unauthorized',
    `Incorrect TXT record ${quoted.join(', ')}${more > 0 ? ` (and ${more} more)` : ''} found at ${name}`,
  )
}
