// A run as data: what `--report json` writes, and what every other report is made of.
import { z } from 'zod'
import { CAPABILITIES } from '../suite/case.ts'
import { LEVELS } from '../suite/selection.ts'
import { ROLES } from '../suite/selectors.ts'
import { VERDICTS } from '../suite/verdicts.ts'

const wireEntry = z.strictObject({
  atMs: z.number().describe('since the case began'),
  direction: z.enum(['sent', 'received']).describe('seen from the suite'),
  channel: z.string().describe('such as "udp 192.0.2.1:53"'),
  length: z.int().describe('bytes that there were'),
  hex: z.string().describe('the first of them; none where they hold a private key'),
  note: z.string().exactOptional(),
})

const caseResult = z.strictObject({
  id: z.string(),
  requirement: z.string(),
  title: z.string(),
  role: z.enum(ROLES),
  level: z.enum(LEVELS),
  verdict: z.enum(VERDICTS),
  reason: z.string().exactOptional().describe('why it is not simply a pass'),
  expected: z.string().exactOptional(),
  actual: z.string().exactOptional(),
  known: z.enum(VERDICTS).exactOptional().describe('foretold by a file of known failures'),
  suiteFault: z.string().exactOptional().describe('the suite itself is wrong: a stack'),
  byHand: z.string().describe('how to see it without the suite'),
  durationMs: z.number(),
  evidence: z.string().exactOptional().describe('folder with wire.jsonl and output.txt'),
  wire: z.array(wireEntry).describe('the first messages'),
  wireLeft: z.int().describe('messages that are only in the evidence'),
})

const requirement = z.strictObject({
  id: z.string(),
  title: z.string(),
  level: z.enum(LEVELS),
  sentence: z.string(),
  source: z.string(),
  decision: z.boolean().describe('decides what the specification leaves open'),
  why: z.string().exactOptional().describe('of a decision'),
})

export const reportSchema = z.strictObject({
  schema: z.literal('nt_report_v1.json'),
  suite: z.strictObject({ name: z.string(), version: z.string() }),
  target: z.strictObject({
    name: z.string(),
    zone: z.string(),
    capabilities: z.array(z.enum(CAPABILITIES)),
    servers: z.array(z.string()).describe('such as "dns 192.0.2.1:53"; no secrets'),
  }),
  startedAt: z.iso.datetime(),
  durationMs: z.number(),
  seed: z.int(),
  strict: z.boolean(),
  selection: z.array(z.string()).describe('the words that chose the cases; empty for all'),
  interrupted: z.boolean(),
  exitCode: z.int(),
  counts: z.record(z.enum(VERDICTS), z.int()),
  requirements: z.array(requirement).describe('those of the cases below, run or not'),
  results: z.array(caseResult),
  leftOut: z
    .array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        role: z.enum(ROLES),
        level: z.enum(LEVELS),
        why: z.enum(['disturbs', 'slow', 'interrupted']),
      }),
    )
    .describe(
      'chosen, and not run: it could disturb a public server, takes minutes, or the run was ended',
    ),
  expect: z.string().exactOptional().describe('the file of known failures'),
  overtaken: z.array(z.string()).describe('known failures that have become better'),
})

export type RunReport = Readonly<z.output<typeof reportSchema>>
export type ReportedCase = RunReport['results'][number]
export type ReportedRequirement = RunReport['requirements'][number]
