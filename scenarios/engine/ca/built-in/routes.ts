// What is asked, by path and method, and who answers it.
import { account, newAccount, termsOfService } from './accounts.ts'
import { authorization, challenge } from './authorizations.ts'
import { postAsGet } from './authentication.ts'
import { PATHS, urlOf, type Answer, type Call, type Handler } from './call.ts'
import { certificate, revokeCertificate } from './certificates.ts'
import { finalize } from './issuance.ts'
import { keyChange } from './key-change.ts'
import { newOrder, order } from './orders.ts'
import { orderList } from './order-list.ts'
import { renewalInfo } from './renewal-info.ts'

export interface Route {
  readonly resource: keyof typeof PATHS
  readonly methods: readonly string[]
  readonly handler: Handler
}

const ROUTES: readonly Route[] = [
  // RFC 8555 section 6.3: these two also by POST-as-GET.
  { resource: 'directory', methods: ['GET', 'HEAD', 'POST'], handler: directory },
  { resource: 'newNonce', methods: ['HEAD', 'GET', 'POST'], handler: newNonce },
  { resource: 'newAccount', methods: ['POST'], handler: newAccount },
  { resource: 'account', methods: ['POST'], handler: account },
  { resource: 'orders', methods: ['POST'], handler: orderList },
  { resource: 'newOrder', methods: ['POST'], handler: newOrder },
  { resource: 'order', methods: ['POST'], handler: order },
  { resource: 'authorization', methods: ['POST'], handler: authorization },
  { resource: 'challenge', methods: ['POST'], handler: challenge },
  { resource: 'finalize', methods: ['POST'], handler: finalize },
  { resource: 'certificate', methods: ['POST'], handler: certificate },
  { resource: 'revokeCertificate', methods: ['POST'], handler: revokeCertificate },
  { resource: 'keyChange', methods: ['POST'], handler: keyChange },
  // RFC 9773 section 4.1: unauthenticated.
  { resource: 'renewalInfo', methods: ['GET', 'HEAD'], handler: renewalInfo },
]

/** A path that ends in a slash has an id behind it. */
export function findRoute(
  path: string,
): { readonly route: Route; readonly id: string } | undefined {
  for (const route of ROUTES) {
    const prefix: string = PATHS[route.resource]
    if (path === prefix && !prefix.endsWith('/')) return { route, id: '' }
    if (prefix.endsWith('/') && path.length > prefix.length && path.startsWith(prefix)) {
      return { route, id: path.slice(prefix.length) }
    }
  }
  return undefined
}

async function directory(call: Call): Promise<Answer> {
  if (call.method === 'POST') await postAsGet(call)
  const { externalAccountRequired, profiles } = call.ca.settings
  const described = Object.entries(profiles).map(([name, { description }]) => [name, description])
  return {
    body: {
      newNonce: urlOf(call, 'newNonce'),
      newAccount: urlOf(call, 'newAccount'),
      newOrder: urlOf(call, 'newOrder'),
      revokeCert: urlOf(call, 'revokeCertificate'),
      keyChange: urlOf(call, 'keyChange'),
      renewalInfo: urlOf(call, 'renewalInfo').slice(0, -1),
      meta: {
        termsOfService: termsOfService(call),
        externalAccountRequired,
        ...(described.length === 0 ? {} : { profiles: Object.fromEntries(described) }),
      },
    },
  }
}

/** Section 7.2. */
async function newNonce(call: Call): Promise<Answer> {
  if (call.method === 'POST') await postAsGet(call)
  return { status: call.method === 'HEAD' ? 200 : 204 }
}
