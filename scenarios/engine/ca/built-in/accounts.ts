// Accounts (RFC 8555 section 7.3): made, found, changed and deactivated.
import { accountPost, keyPost, payloadObject } from './authentication.ts'
import { urlOf, type Answer, type Call } from './call.ts'
import { checkBinding } from './external-account.ts'
import { limitNewAccount } from './limits.ts'
import { Problem } from './problems.ts'
import { randomId } from './random.ts'
import type { Account } from './state.ts'

const CONTACTS_MAX = 10
const CONTACT_LENGTH_MAX = 256

export async function newAccount(call: Call): Promise<Answer> {
  const { ca } = call
  const { state, settings } = ca
  const post = await keyPost(call)
  const wanted = payloadObject(post)
  const existing = state.accountsByKey.get(post.thumbprint)
  if (existing !== undefined) {
    if (existing.status === 'deactivated') {
      throw new Problem('unauthorized', 'the account of this key is deactivated', { status: 401 })
    }
    return view(call, existing)
  }
  if (wanted['onlyReturnExisting'] === true) {
    throw new Problem('accountDoesNotExist', 'there is no account with this key')
  }
  if (wanted['termsOfServiceAgreed'] !== true) {
    const terms = `<${termsOfService(call)}>;rel="terms-of-service"`
    throw new Problem('userActionRequired', 'the terms of service must be agreed to', {
      headers: { Link: terms },
    })
  }
  const contact = contacts(wanted['contact'])
  const externalAccountBinding = await checkBinding(call, post, wanted['externalAccountBinding'])
  limitNewAccount(ca, call.remoteAddress)
  const account: Account = {
    id: randomId(8),
    key: post.key,
    thumbprint: post.thumbprint,
    status: 'valid',
    contact,
    externalAccountBinding,
    orders: [],
  }
  state.accounts.set(account.id, account)
  state.accountsByKey.set(account.thumbprint, account)
  ca.log(`account ${account.id} made${settings.externalAccountRequired ? ', bound' : ''}`)
  return { ...view(call, account), status: 201 }
}

/** Reads, updates or deactivates (sections 7.3.2, 7.3.6). */
export async function account(call: Call): Promise<Answer> {
  const post = await accountPost(call)
  const { account: own, payload } = post
  if (own.id !== call.id) throw new Problem('unauthorized', 'that is another account')
  if (payload === '') return view(call, own)
  const { status, contact } = payloadObject(post)
  if (status === 'deactivated') own.status = status
  else if (status !== undefined && status !== own.status) {
    throw new Problem('malformed', `account status ${JSON.stringify(status)}, wanted "deactivated"`)
  } else if (contact !== undefined) own.contact = contacts(contact)
  return view(call, own)
}

export function termsOfService({ base }: Call): string {
  return `${base}/terms`
}

function view(call: Call, { id, status, contact, externalAccountBinding }: Account): Answer {
  return {
    headers: { Location: urlOf(call, 'account', id) },
    body: {
      status,
      contact,
      termsOfServiceAgreed: true,
      ...(externalAccountBinding === undefined ? {} : { externalAccountBinding }),
      orders: urlOf(call, 'orders', id),
    },
  }
}

/** Section 7.3: only mailto, with one address and no header fields. */
function contacts(value: unknown = []): readonly string[] {
  if (!Array.isArray(value) || value.length > CONTACTS_MAX) {
    throw new Problem('malformed', `contact is not a list of at most ${CONTACTS_MAX} URLs`)
  }
  return value.map((contact: unknown) => {
    if (typeof contact !== 'string' || contact.length > CONTACT_LENGTH_MAX) {
      throw new Problem('invalidContact', 'contact is not a text of usual length')
    }
    if (!contact.startsWith('mailto:')) {
      throw new Problem('unsupportedContact', `contact method "${contact}" is not mailto`)
    }
    if (!/^[^@\s,?]+@[^@\s,?]+\.[^@\s,?]+$/.test(contact.slice('mailto:'.length))) {
      throw new Problem('invalidContact', `contact "${contact}" is not one e-mail address`)
    }
    return contact
  })
}
