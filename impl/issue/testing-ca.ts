// A CA of the tests: the steps of AcmeClient against orders in memory, with a hook before and after each.
import 'reflect-metadata'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import {
  AcmeOrderInvalidError,
  AcmeProblemError,
  type Authorization,
  type NewOrder,
  type Order,
} from './acme/index.ts'
import type { AcmeSteps } from './order-steps.ts'
import { makeCertificate } from './testing.ts'

export type Step = Exclude<keyof AcmeSteps, 'dns01Value'>

/** May throw, or never return, as a CA or a kill does. */
export type Hook = (step: Step, when: 'before' | 'after', call: number) => void | Promise<void>

interface FakeOrder {
  readonly names: readonly string[]
  status: Order['status']
  answered: Set<string>
  certificate: string
}

export class FakeCa implements AcmeSteps {
  readonly orders = new Map<string, FakeOrder>()
  readonly calls: Step[] = []
  /** What was wanted of newOrder, also of orders that were refused. */
  readonly wanted: NewOrder[] = []
  hook: Hook = () => {}
  lifetimeMs = 90 * 24 * 3_600_000
  /** How old certificates are when they are issued. */
  ageMs = 0
  challengeType = 'dns-01'
  /** Names whose validation failed, for orders that a hook makes invalid. */
  failedNames: readonly string[] = []
  /** Certifies these names in place of those of the order. */
  wrongNames: readonly string[] | undefined

  account: AcmeSteps['account'] = () =>
    this.#step('account', () => ({ url: 'https://ca/account/1' }))

  newOrder: AcmeSteps['newOrder'] = (wanted, options) => {
    this.wanted.push(wanted)
    return this.#newOrder(wanted, options)
  }

  #newOrder: AcmeSteps['newOrder'] = ({ names }, options) =>
    this.#step('newOrder', async () => {
      const url = `https://ca/order/${this.orders.size + 1}`
      this.orders.set(url, { names, status: 'pending', answered: new Set(), certificate: '' })
      const order = this.#order(url)
      await options?.onOrder?.(order)
      return { order, authorizations: this.#authorizations(url) }
    })

  authorizations: AcmeSteps['authorizations'] = ({ authorizationUrls: [url = ''] }) =>
    this.#step('authorizations', () => this.#authorizations(url))

  answerChallenge: AcmeSteps['answerChallenge'] = (challenge) =>
    this.#step('answerChallenge', () => {
      const [url = '', name = ''] = challenge.url.split(' ')
      const order = this.#find(url)
      order.answered.add(name)
      if (order.answered.size === order.names.length) order.status = 'ready'
      return { ...challenge, status: 'valid' as const }
    })

  waitForOrder: AcmeSteps['waitForOrder'] = (url) =>
    this.#step('waitForOrder', () => {
      if (this.#find(url).status === 'invalid') {
        throw new AcmeOrderInvalidError({
          orderUrl: url,
          orderStatus: 'invalid',
          problem: { type: 'urn:ietf:params:acme:error:unauthorized' },
          failedNames: this.failedNames,
        })
      }
      return this.#order(url)
    })

  finalize: AcmeSteps['finalize'] = ({ url }, csr) =>
    this.#step('finalize', async () => {
      const order = this.#find(url)
      const publicKey = await new Pkcs10CertificateRequest(csr).publicKey.export(webcrypto)
      const names = this.wrongNames ?? order.names
      const now = Date.now() - this.ageMs
      const made = await makeCertificate({ names, publicKey, now, lifetimeMs: this.lifetimeMs })
      order.certificate = made.leaf + made.issuer
      order.status = 'valid'
      return this.#order(url)
    })

  certificate: AcmeSteps['certificate'] = ({ url }) =>
    this.#step('certificate', () => ({ pem: this.#find(url).certificate, alternateUrls: [] }))

  dns01Value(token: string): string {
    return `value-of-${token}`
  }

  async #step<T>(step: Step, act: () => T | Promise<T>): Promise<T> {
    this.calls.push(step)
    const call = this.calls.filter((name) => name === step).length
    await this.hook(step, 'before', call)
    const result = await act()
    await this.hook(step, 'after', call)
    return result
  }

  #find(url: string): FakeOrder {
    const order = this.orders.get(url)
    if (order === undefined) {
      throw new AcmeProblemError({ problem: {}, status: 404, resource: 'order' })
    }
    return order
  }

  #order(url: string): Order {
    const { names, status } = this.#find(url)
    return {
      url,
      status,
      names,
      authorizationUrls: [url],
      finalizeUrl: `${url}/finalize`,
      certificateUrl: status === 'valid' ? `${url}/certificate` : undefined,
      expiresMs: undefined,
      profile: undefined,
      error: undefined,
      retryAfterMs: undefined,
    }
  }

  #authorizations(url: string): readonly Authorization[] {
    const order = this.#find(url)
    return order.names.map((name) => ({
      url: `${url}/authorization/${name}`,
      name,
      wildcard: false,
      status: order.answered.has(name) ? 'valid' : 'pending',
      expiresMs: undefined,
      challenges: [
        {
          type: this.challengeType,
          url: `${url} ${name}`,
          status: 'pending',
          token: `${url.split('/').at(-1) ?? ''}-${name}`,
          error: undefined,
        },
      ],
    }))
  }
}
