import { z } from 'zod'
import {
  address,
  contact,
  denyListFile,
  directoryUrl,
  flag,
  ipAddress,
  keyFile,
  listenAddress,
  localOr,
  path,
  peerAddress,
  peerId,
  publicKey,
  section,
  some,
  text,
  textFile,
  value,
  whole,
  wordOr,
  zone,
  type ConfigFiles,
} from './values.ts'
import { BUDGET_PRESETS, CERTIFICATE_AUTHORITIES } from '../issue/index.ts'
import { LOG_FORMATS, LOG_LEVELS } from '../log.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 366 * 24 * HOUR_MS
const BUDGET_COUNT_MAX = 1_000_000_000
const PORT_MAX = 65_535
const TTL_SECONDS_MAX = 2 ** 31 - 1

/**
 * The schemas of a configuration's top-level keys. They are apart so that what is wrong with one hides nothing of
 * what is wrong with another. Files that a value names are read while it is checked.
 */
export function configSchemas(files: ConfigFiles) {
  return {
    zone,
    log: section('a section with format and level', {
      format: oneOf(LOG_FORMATS).exactOptional(),
      level: oneOf(LOG_LEVELS).exactOptional(),
    }),
    http: section('a section with address and port', {
      address: ipAddress.exactOptional(),
      port: whole(0, PORT_MAX),
    }).transform(({ address = '127.0.0.1', port }) => ({ address, port })),
    proof: section('a section with identityFile and listen', {
      ...node(files),
      proofKeyFile: keyFile(files).exactOptional(),
      display: text('a name for people').exactOptional(),
      rateLimit: rateLimit().exactOptional(),
      denyListFile: denyListFile(files).exactOptional(),
    }),
    dns: section('a section with identityFile, listen, dnsListen, nameServers and writers', {
      ...node(files),
      dnsListen: some(
        'a list of at least one {address, port} to answer queries at',
        socketAddress('an address to answer queries at'),
      ),
      nameServers: some(
        'a list of at least one {name, addresses}, as the parent zone delegates to them',
        section('a name server with name and addresses', {
          name: text('the complete name of a name server'),
          addresses: z.array(ipAddress, { error: 'a list of IP addresses' }).exactOptional(),
        }),
      ),
      hostmaster: text('a mail address').exactOptional(),
      writers: some(
        'a list of at least one peer id of an issue server, or `local: true`',
        localOr(peerId, 'the peer id of an issue server, or `local: true` for that in this file'),
      ),
      caa: z
        .array(
          section('a CAA record with tag and value', {
            tag: text('a CAA tag, such as issue'),
            value: text('the value of a CAA record, such as letsencrypt.org'),
            critical: flag.exactOptional(),
          }),
          { error: 'a list of CAA records' },
        )
        .exactOptional(),
      ttlSeconds: section('a section with names, apex, challenge, negative', {
        names: seconds(TTL_SECONDS_MAX).exactOptional(),
        apex: seconds(TTL_SECONDS_MAX).exactOptional(),
        challenge: seconds(120).exactOptional(),
        negative: seconds(60).exactOptional(),
      }).exactOptional(),
    }),
    issue: section(
      'a section with identityFile, listen, proofServers, dnsServers, acme and storePath',
      {
        ...node(files),
        proofServers: some(
          'a list of at least one {id, addresses, display}, or `local: true`',
          localOr(
            section('a proof server with id, addresses and display', {
              id: peerId,
              addresses: some('a list of at least one multiaddr', address),
              display: text('a name for people, another one for each server'),
            }),
            'a proof server with id, addresses and display, or `local: true`',
          ),
        ),
        proofKeys: z.array(publicKey, { error: 'a list of public keys' }).exactOptional(),
        dnsServers: some(
          'a list of at least one {addresses, query}, or `local: true`',
          localOr(
            section('a DNS server with addresses and query', {
              addresses: some('a list of at least one multiaddr', peerAddress),
              query: socketAddress('where the DNS server answers queries'),
            }),
            'a DNS server with addresses and query, or `local: true`',
          ),
        ),
        acme: section('a section with directoryUrl and termsOfServiceAgreed', {
          directoryUrl: directoryUrl(CERTIFICATE_AUTHORITIES),
          certificateAuthorityFile: textFile(files, 'the path of a file of PEM certificates', {
            secret: false,
          }).exactOptional(),
          contacts: z.array(contact, { error: 'a list of mail addresses' }).exactOptional(),
          externalAccount: section('a section with kid and hmacKeyFile', {
            kid: text('the key identifier that the CA gave'),
            hmacKeyFile: textFile(files, 'the path of a file with the MAC key that the CA gave', {
              secret: true,
            }),
          }).exactOptional(),
          // RFC 8555 §7.3.3: an account is made only in agreement with the terms, and only a person can agree.
          termsOfServiceAgreed: z.literal(true, {
            error: 'true, once you have read and agree to the terms of service of the CA',
          }),
          profile: text('the name of a profile of the CA').exactOptional(),
        }),
        storePath: path(files, 'the path of a file for the account, orders and certificates'),
        allowPrivateAddresses: flag.exactOptional(),
        orderTimeoutMs: whole(1_000, HOUR_MS, ' of milliseconds').exactOptional(),
        rateLimit: rateLimit().exactOptional(),
        denyListFile: denyListFile(files).exactOptional(),
        budgets: budgets().exactOptional(),
      },
    ),
  }
}

type Schemas = ReturnType<typeof configSchemas>

/** A checked configuration: files are read, texts are parsed. */
export type Config = {
  readonly [Key in keyof Schemas]?: z.output<Schemas[Key]>
}

export type ProofConfig = NonNullable<Config['proof']>
export type DnsConfig = NonNullable<Config['dns']>
export type IssueConfig = NonNullable<Config['issue']>

/** What a process of this configuration can be. */
export const ROLES = ['proof', 'dns', 'issue'] as const
export type Role = (typeof ROLES)[number]

/** Every role is a libp2p node of its own: with its own key, and its own ports. */
function node(files: ConfigFiles) {
  return {
    identityFile: keyFile(files),
    listen: some('a list of at least one multiaddr to listen on', listenAddress),
    announce: z.array(address, { error: 'a list of multiaddrs' }).exactOptional(),
  }
}

function rateLimit() {
  return section('a section with burst and intervalMs', {
    burst: whole(1, 1_000_000),
    intervalMs: whole(1, HOUR_MS, ' of milliseconds'),
  })
}

/** Limits of a CA by its name, or in numbers. */
function budgets() {
  const budget = wordOr(
    ['none'],
    section('a section with count and periodMs', {
      count: whole(1, BUDGET_COUNT_MAX),
      periodMs: whole(1, YEAR_MS, ' of milliseconds'),
    }),
    'a section with count and periodMs, or none',
  )
  return wordOr(
    BUDGET_PRESETS,
    section('a section of budgets', {
      preset: oneOf(BUDGET_PRESETS).exactOptional(),
      ordersPerAccount: budget.exactOptional(),
      certificatesPerDomain: budget.exactOptional(),
      certificatesPerSet: budget.exactOptional(),
      failedValidationsPerName: budget.exactOptional(),
      validationBackOffMs: z
        .array(whole(0, YEAR_MS, ' of milliseconds'), { error: 'a list of milliseconds' })
        .exactOptional(),
      zoneIsPublicSuffix: flag.exactOptional(),
    }),
    `one of ${BUDGET_PRESETS.join(', ')}, or a section of budgets`,
  )
}

function socketAddress(what: string) {
  return section(`${what}: address and port`, {
    address: ipAddress,
    port: whole(0, PORT_MAX).exactOptional(),
  })
}

function seconds(max: number) {
  return whole(0, max, ' of seconds')
}

function oneOf<T extends string>(texts: readonly T[]) {
  return value(`one of ${texts.join(', ')}`, (found) => texts.find((known) => known === found))
}
