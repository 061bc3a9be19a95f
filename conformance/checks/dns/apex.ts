import { RCODE, TYPE } from '../../dns/codes.ts'
import type { QueryInit } from '../../dns/write.ts'
import type { DnsTarget } from '../../suite/target.ts'
import type { Message } from '../../dns/read.ts'
import { parseSoa } from '../../dns/rdata.ts'
import { addressText } from '../../dns/udp.ts'
import { CheckFailure, type Case } from '../../suite/case.ts'
import { atFirstServer, digLine, lineOf } from './by-hand.ts'
import { isNodata, isNxdomain, sameName } from './judge.ts'
import { ask, probeCase, type Probe } from './probe.ts'
import { EXISTING_LABEL, ID0_SAMPLES, MISSING_LABEL } from './samples.ts'

export const APEX_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-030/soa',
    title: 'answers SOA at the zone itself with one record that can be read',
    probes: ({ zone }) => [
      {
        query: { name: zone, type: TYPE.SOA },
        expected: 'NOERROR with one SOA record whose times are above zero',
        judge: ({ rcode, answers }) => {
          const [record] = answers
          if (rcode !== RCODE.NOERROR || answers.length !== 1 || record?.type !== TYPE.SOA) {
            return false
          }
          const { refresh, retry, expire } = parseSoa(record.text)
          return sameName(record.name, zone) && refresh > 0 && retry > 0 && expire > refresh
        },
      },
    ],
  }),
  probeCase({
    id: 'NT-DNS-030/ns',
    title: 'answers NS at the zone itself with its name servers',
    probes: ({ zone }) => [
      {
        query: { name: zone, type: TYPE.NS },
        expected: 'NOERROR with NS records only',
        judge: ({ rcode, answers }) =>
          rcode === RCODE.NOERROR &&
          answers.length > 0 &&
          answers.every(({ type, name }) => type === TYPE.NS && sameName(name, zone)),
      },
    ],
  }),
  probeCase({
    id: 'NT-DNS-030/no-ns-elsewhere',
    title: 'has NS at the zone itself only: elsewhere it would be a delegation',
    probes: ({ zone }) => [
      nodata(`${EXISTING_LABEL}.${zone}`, TYPE.NS),
      nodata(`${ID0_SAMPLES.rsa.label}.${zone}`, TYPE.NS),
      { ...nodata(`${MISSING_LABEL}.${zone}`, TYPE.NS), expected: 'NXDOMAIN', judge: isNxdomain },
    ],
  }),
  {
    id: 'NT-DNS-030/addresses-of-name-servers',
    title: 'answers A or AAAA for its name servers that lie in the zone',
    role: 'dns',
    byHand: atFirstServer(
      (server, { zone }) => digLine({ name: zone, type: TYPE.NS }, server),
      'names, of which those in the zone have A or AAAA records: ask for them in the same way',
    ),
    async run(context) {
      const { zone, dns } = context.target
      for (const server of dns) {
        for (const name of nameServersIn(
          zone,
          await ask({ name: zone, type: TYPE.NS }, server, context),
        )) {
          const found = await Promise.all(
            [TYPE.A, TYPE.AAAA].map((type) => ask({ name, type }, server, context)),
          )
          if (
            found.every(({ rcode, answers }) => rcode !== RCODE.NOERROR || answers.length === 0)
          ) {
            throw new CheckFailure({
              expected: `an A or AAAA record for the name server ${name}`,
              actual: `none at ${addressText(server)}`,
              byHand: [TYPE.A, TYPE.AAAA]
                .map((type) => lineOf({ query: { name, type }, expected: 'one of both' }, server))
                .join('\n'),
            })
          }
        }
      }
    },
  },
  {
    id: 'NT-DNS-030/glue',
    title: 'sends the addresses of name servers in the zone with the NS records',
    role: 'dns',
    level: 'SHOULD',
    byHand: atFirstServer(
      (server, { zone }) => digLine({ name: zone, type: TYPE.NS, edns: {} }, server),
      'addresses in the additional section, of all names in the zone',
    ),
    async run(context) {
      const { zone, dns } = context.target
      for (const server of dns) {
        const message = await ask({ name: zone, type: TYPE.NS, edns: {} }, server, context)
        const without = nameServersIn(zone, message).filter(
          (name) => !message.additional.some((record) => sameName(record.name, name)),
        )
        if (without.length > 0) {
          throw new CheckFailure({
            expected: 'the addresses of name servers in the zone as additional records',
            actual: `none of ${without.join(', ')} at ${addressText(server)}`,
          })
        }
      }
    },
  },
  {
    id: 'NT-DNS-030/servers-agree',
    title: 'has the same SOA, NS and CAA records at every name server',
    role: 'dns',
    byHand: ({ zone, dns }) =>
      [TYPE.SOA, TYPE.NS, TYPE.CAA]
        .flatMap((type) => dns.map((server) => everywhereLine({ name: zone, type }, server)))
        .join('\n'),
    async run(context) {
      const { zone, dns } = context.target
      for (const type of [TYPE.SOA, TYPE.NS, TYPE.CAA]) {
        const answers = await Promise.all(
          dns.map(async (server) => recordsText(await ask({ name: zone, type }, server, context))),
        )
        const different = answers.findIndex((text) => text !== answers[0])
        const server = dns[different]
        if (server !== undefined) {
          throw new CheckFailure({
            expected: `the same records everywhere, as the first server has: ${answers[0]}`,
            actual: `${answers[different]} at ${addressText(server)}`,
            byHand: dns.map((one) => everywhereLine({ name: zone, type }, one)).join('\n'),
          })
        }
      }
    },
  },
  probeCase({
    id: 'NT-DNS-031/caa-anywhere',
    title:
      'answers CAA at every name of the zone, with records or without: a CA takes no other answer',
    probes: ({ zone }) => [
      caa(zone),
      caa(`${EXISTING_LABEL}.${zone}`),
      caa(`ip62001-db8--1.${zone}`),
      caa(`${ID0_SAMPLES.rsa.label}.${zone}`),
      caa(`_acme-challenge.${EXISTING_LABEL}.${zone}`),
      caa(`${MISSING_LABEL}.${zone}`),
    ],
  }),
  probeCase({
    id: 'NT-DNS-032/caa-policy',
    title: 'says in CAA records of the zone which CA may certify its names',
    probes: ({ zone }) => [
      {
        query: { name: zone, type: TYPE.CAA },
        expected: 'NOERROR with CAA records, one of them `issue`',
        judge: ({ rcode, answers }) =>
          rcode === RCODE.NOERROR &&
          answers.every(({ type }) => type === TYPE.CAA) &&
          (answers.some(({ text }) => / issue /i.test(text)) ||
            'no CAA record, so that every CA may issue'),
      },
    ],
  }),
]

function everywhereLine(query: QueryInit, server: DnsTarget): string {
  return lineOf({ query, expected: 'the same records at every server' }, server)
}

function nodata(name: string, type: number): Probe {
  return { query: { name, type }, expected: 'NOERROR without an answer', judge: isNodata }
}

/** RFC 8659 §3: a CA goes on to the parent after an empty answer, and gives up after an error. */
function caa(name: string): Probe {
  return {
    query: { name, type: TYPE.CAA },
    expected: 'CAA records, NOERROR without any, or NXDOMAIN where nothing is',
    judge: ({ rcode, answers }) =>
      (rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN) &&
      answers.every(({ type }) => type === TYPE.CAA),
  }
}

function nameServersIn(zone: string, { answers }: Message): string[] {
  return answers
    .filter(({ type }) => type === TYPE.NS)
    .map(({ text }) => text)
    .filter((name) => name.toLowerCase().endsWith(`.${zone}`))
}

function recordsText({ rcode, answers }: Message): string {
  const texts = answers.map(({ ttl, text }) => `${ttl} ${text.toLowerCase()}`).toSorted()
  return `rcode ${rcode}: ${texts.join(', ') || 'nothing'}`
}
