import { Counter, Gauge, type Registry } from 'prom-client'
import type { DnsCounters } from '../dns/counters.ts'
import type { DnsServer } from '../dns/index.ts'
import { CODE_LABELS, codeLabel } from './codes.ts'

const RCODES = ['noerror', 'nxdomain', 'refused', 'formerr', 'notimp', 'badvers'] as const

/** Counts what a DNS server does. Its counters are read when somebody asks: a query costs nothing more for this. */
export function watchDns(server: DnsServer, registry: Registry): void {
  const { counters } = server
  const read = (init: {
    readonly name: string
    readonly help: string
    readonly label?: string
    readonly values: (counters: DnsCounters) => Readonly<Record<string, number>>
  }): Counter =>
    new Counter({
      name: init.name,
      help: init.help,
      labelNames: init.label === undefined ? [] : [init.label],
      registers: [registry],
      collect() {
        this.reset()
        for (const [key, value] of Object.entries(init.values(counters))) {
          this.inc(init.label === undefined ? {} : { [init.label]: key }, value)
        }
      },
    })
  read({
    name: 'nodetrust_dns_queries_total',
    help: 'Packets that came to the DNS server',
    label: 'transport',
    values: ({ queriesUdp, queriesTcp }) => ({ udp: queriesUdp, tcp: queriesTcp }),
  })
  read({
    name: 'nodetrust_dns_answers_total',
    help: 'Answers of the DNS server, by response code',
    label: 'rcode',
    values: (found) => Object.fromEntries(RCODES.map((rcode) => [rcode, found[rcode]])),
  })
  read({
    name: 'nodetrust_dns_ignored_total',
    help: 'Packets that got silence: no queries',
    values: ({ ignored }) => ({ ignored }),
  })
  read({
    name: 'nodetrust_dns_dropped_total',
    help: 'Answers and connections over the bounds of the DNS server',
    values: ({ dropped }) => ({ dropped }),
  })
  read({
    name: 'nodetrust_dns_truncated_total',
    help: 'Answers that did not fit into UDP',
    values: ({ truncated }) => ({ truncated }),
  })
  watchChallenges(server, registry)
}

function watchChallenges(server: DnsServer, registry: Registry): void {
  new Gauge({
    name: 'nodetrust_dns_challenges',
    help: 'Challenge values that the DNS server holds',
    registers: [registry],
    collect() {
      this.set(server.challengeCount)
    },
  })
  const set = counter('nodetrust_dns_challenges_set_total', 'Challenge values set, with renewals')
  const removed = counter('nodetrust_dns_challenges_removed_total', 'Challenge values removed')
  const errors = counter('nodetrust_dns_errors_total', 'Failures of sockets, and bounds reached')
  const refused = new Counter({
    name: 'nodetrust_dns_writers_refused_total',
    help: 'Requests to set or remove a challenge that were refused, by the error of the protocol',
    labelNames: ['code'],
    registers: [registry],
  })
  for (const code of CODE_LABELS) refused.inc({ code }, 0)
  server.addEventListener('challenge:set', () => set.inc())
  server.addEventListener('challenge:removed', () => removed.inc())
  // Events that strangers cause are bounded; those left out count with the next.
  server.addEventListener('dns:error', ({ detail }) => errors.inc(1 + detail.suppressed))
  server.addEventListener('writer:refused', ({ detail }) => {
    refused.inc({ code: codeLabel(detail.code) }, 1 + detail.suppressed)
  })

  function counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [registry] })
  }
}
