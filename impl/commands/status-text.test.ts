// What a person reads: whole texts, as they stand in a terminal.
import { test } from 'tap'
import type { Status } from '../status/index.ts'
import { statusText } from './status-text.ts'

const NOW = Date.UTC(2026, 9, 1, 12)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const at = (ms: number): string => new Date(NOW + ms).toISOString()

const EMPTY: Status = {
  zone: 'nt.example.org',
  time: at(0),
  ca: { directoryUrl: 'https://ca.example/directory' },
  dnsServers: [],
  certificates: [],
  certificateCount: 0,
  orders: [],
  orderCount: 0,
  budgets: [],
  blockedNames: [],
  blockedNameCount: 0,
  problems: [],
}

test('budgets are told with when the next one comes back, and blocked names with until when', (t) => {
  const orders = { budget: 'ordersPerAccount', key: '', count: 300, periodMs: 3 * HOUR_MS } as const
  const week = { count: 50, periodMs: 7 * DAY_MS }
  const text = statusText(
    {
      ...EMPTY,
      budgets: [
        { ...orders, left: 300 },
        {
          budget: 'certificatesPerDomain',
          key: 'nt.example.org',
          ...week,
          left: 37,
          next: at(2.5 * HOUR_MS),
        },
        { budget: 'certificatesPerSet', key: 'used.up', ...week, left: 0, next: at(2 * DAY_MS) },
        { budget: 'certificatesPerSet', key: 'not.yet', ...week, left: 1, next: at(DAY_MS) },
        { budget: 'failedValidationsPerName', key: 'a.b', ...week, left: 0, next: at(1) },
      ],
      blockedNames: [
        {
          name: 'ip4203-0-113-7.nt.example.org',
          peer: '12D3',
          failures: 3,
          until: at(100 * 60_000),
        },
        { name: 'pabc.nt.example.org', failures: 1, until: at(59_000) },
      ],
      blockedNameCount: 2,
    },
    { now: NOW },
  )
  t.equal(
    text,
    `zone          nt.example.org
CA            https://ca.example/directory answers
certificates  0
orders        0 unfinished
budgets       300 of 300 orders left for the account
              37 of 50 new certificates left for nt.example.org, one more 2026-10-01 14:30 (in 2 h)
              NONE of 50 certificates left for exactly used.up, the next 2026-10-03 12:00 (in 2 d)
blocked       2 names
  ip4203-0-113-7.nt.example.org
    until 2026-10-01 13:40 (in 1 h) after 3 failed validations, asked for by 12D3
  pabc.nt.example.org
    until 2026-10-01 12:00 (in 59 s) after 1 failed validation
`,
  )
  t.end()
})

test('a certificate is told with when it is renewed, or that it has been', (t) => {
  const certificate = {
    peer: '12D3',
    names: ['pabc.nt.example.org'],
    serial: '01',
    ends: at(25 * DAY_MS),
    renews: at(-5 * DAY_MS),
  }
  const certificates = [certificate, { ...certificate, replaced: true } as const]
  t.match(
    statusText({ ...EMPTY, certificates, certificateCount: 2 }, { now: NOW }),
    `certificates  2
  12D3
    pabc.nt.example.org
    ends 2026-10-26 12:00 (in 25 d), renews about 2026-09-26 12:00 (5 d ago)
  12D3
    pabc.nt.example.org
    ends 2026-10-26 12:00 (in 25 d), replaced by a newer one
`,
  )
  t.end()
})

test('a CA without limits and a store without failures take no lines', (t) => {
  t.notMatch(statusText(EMPTY, { now: NOW }), /budgets|blocked/)
  t.end()
})

test('a person reads so many blocked names, and is told how to get the others', (t) => {
  const blockedNames = Array.from({ length: 30 }, (_, index) => ({
    name: `p${index}.nt.example.org`,
    failures: 1,
    until: at(1),
  }))
  const text = statusText({ ...EMPTY, blockedNames, blockedNameCount: 30 }, { now: NOW })
  t.match(text, /p19\.nt/)
  t.notMatch(text, /p20\.nt/)
  t.match(text, /^ {2}and 10 more \(--json has them\)$/m)
  t.end()
})
