// What a row of the table has: a CA, a client that says anything, and the DNS that the CA asks.
import { setTimeout as delay } from 'node:timers/promises'
import * as dnsPacket from 'dns-packet'
import type { AcmeCa } from '../index.ts'
import { dns01Value, makeKey, RawClient, type Account, type Reply } from './raw-client.ts'
import { makeCsr } from './requests.ts'

/** What DNS says of one name: texts of TXT records, a code, or that by UDP nothing comes or a truncated answer. */
export interface DnsSaying {
  readonly texts?: readonly (string | readonly string[])[]
  readonly rcode?: number
  readonly alias?: string
  readonly udp?: 'silent' | 'truncated'
}

export type Sayings = Map<string, DnsSaying>

const POLL_MS = 10
const POLLS_MAX = 1_500

/** What of a CA the rows need. */
export type TableCa = Pick<AcmeCa, 'directoryUrl' | 'certificateAuthority' | 'rootCertificates'>

export class TableWorld {
  readonly ca: TableCa
  readonly client: RawClient
  readonly sayings: Sayings
  readonly account: Account
  /** Another account, for what only the first may do. */
  readonly stranger: Account
  #names = 0

  private constructor(
    ca: TableCa,
    client: RawClient,
    sayings: Sayings,
    accounts: readonly [Account, Account],
  ) {
    this.ca = ca
    this.client = client
    this.sayings = sayings
    this.account = accounts[0]
    this.stranger = accounts[1]
  }

  static async open(ca: TableCa, sayings: Sayings): Promise<TableWorld> {
    const client = new RawClient(ca)
    const accounts = [await client.account(), await client.account()] as const
    return new TableWorld(ca, client, sayings, accounts)
  }

  /** A name that no row has had. */
  name(label = 'row'): string {
    this.#names += 1
    return `${label}${this.#names}.nt.example`
  }

  async order(names: readonly string[] = [this.name()], account = this.account) {
    const reply = await this.client.newOrder(account, names)
    if (reply.status !== 201) throw new Error(`no order: ${reply.text}`)
    return orderOf(reply)
  }

  /** The dns-01 challenge of an authorization, with what DNS must say. */
  async challenge(authorizationUrl: string, account = this.account) {
    const reply = await this.client.get(authorizationUrl, account)
    const challenges = reply.json['challenges'] as readonly Record<string, string>[]
    const { value: name } = reply.json['identifier'] as { readonly value: string }
    const found = challenges.find(({ type }) => type === 'dns-01')
    const [url, token] = [found?.['url'] ?? '', found?.['token'] ?? '']
    return { url, token, name, value: dns01Value(token, account.key), reply }
  }

  /** Has DNS say this of a challenge, the right value where nothing is said, and answers it. */
  async answer(
    authorizationUrl: string,
    saying?: (value: string) => DnsSaying,
    account = this.account,
  ): Promise<Reply> {
    const { url, name, value } = await this.challenge(authorizationUrl, account)
    const said = saying?.(value) ?? { texts: [value] }
    const owner = `_acme-challenge.${name}`
    // A name and its wildcard have one place for both values.
    const before = this.sayings.get(owner)?.texts ?? []
    this.sayings.set(owner, {
      ...said,
      ...(said.texts === undefined ? {} : { texts: [...before, ...said.texts] }),
    })
    await this.client.post(url, {}, account)
    return await this.settled(authorizationUrl, ['pending'], account)
  }

  async ready(names: readonly string[] = [this.name()], account = this.account) {
    const order = await this.order(names, account)
    for (const url of order.authorizations) await this.answer(url, undefined, account)
    const reply = await this.settled(order.url, ['pending'], account)
    if (reply.json['status'] !== 'ready') throw new Error(`not ready: ${reply.text}`)
    return order
  }

  /** A certificate, with the private key in PEM. */
  async issued({ names = [this.name()], account = this.account, more = {} } = {}) {
    const reply = await this.client.newOrder(account, names, more)
    if (reply.status !== 201) throw new Error(`no order: ${reply.text}`)
    const order = orderOf(reply)
    for (const url of order.authorizations) await this.answer(url, undefined, account)
    await this.settled(order.url, ['pending'], account)
    const key = makeKey()
    const finalized = await this.client.post(
      order.finalize,
      { csr: await makeCsr({ names, key }) },
      account,
    )
    const valid = await this.settled(order.url, ['processing', 'ready'], account)
    const url = valid.json['certificate']
    if (typeof url !== 'string') {
      throw new Error(`no certificate: ${finalized.text} ${valid.text}`)
    }
    const chain = await this.client.get(url, account)
    return { order, key, url, chain, finalized, valid, pem: chain.text }
  }

  /** Looks until the status is another than these. */
  async settled(url: string, statuses: readonly string[], account = this.account): Promise<Reply> {
    for (let polls = 0; ; polls++) {
      const reply = await this.client.get(url, account)
      if (!statuses.includes(String(reply.json['status'])) || polls === POLLS_MAX) return reply
      await delay(POLL_MS)
    }
  }
}

export function orderOf(reply: Reply) {
  return {
    reply,
    url: String(reply.headers.location),
    finalize: String(reply.json['finalize']),
    authorizations: reply.json['authorizations'] as readonly string[],
  }
}

/** A DNS server's answer; undefined for silence. */
export function answerDns(
  sayings: Sayings,
  asked: Uint8Array,
  transport: 'udp' | 'tcp',
): Uint8Array | undefined {
  const { id = 0, questions = [] } = dnsPacket.decode(Buffer.from(asked))
  const name = questions[0]?.name ?? ''
  const { texts = [], rcode = 0, alias, udp } = sayings.get(name.toLowerCase()) ?? { rcode: 3 }
  if (transport === 'udp' && udp === 'silent') return undefined
  const truncated = transport === 'udp' && udp === 'truncated'
  const owner = alias ?? name
  const answers: dnsPacket.Answer[] = truncated
    ? []
    : [
        ...(alias === undefined ? [] : [{ type: 'CNAME', name, data: alias, ttl: 0 } as const]),
        ...texts.map(
          (text) => ({ type: 'TXT', name: owner, data: [text].flat(), ttl: 0 }) as const,
        ),
      ]
  const flags = rcode | (truncated ? dnsPacket.TRUNCATED_RESPONSE : 0)
  return dnsPacket.encode({ type: 'response', id, flags, questions, answers })
}
