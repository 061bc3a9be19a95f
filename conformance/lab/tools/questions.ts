// What people ask servers with, and what they ask: each tool reads answers with code of its own, and complains in its
// own way.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ID0_SAMPLES } from '../../checks/dns/samples.ts'
import { runTool } from '../daemon.ts'
import { dnsAddresses, NAME_SERVERS, RECURSOR_ADDRESSES, ZONE } from '../network.ts'
import { step, type Problem, type Step } from '../step.ts'
import { rootHints } from '../zones.ts'

interface Question {
  readonly name: string
  readonly type: string
  readonly rcode: 'NOERROR' | 'NXDOMAIN'
  /** In the answer; undefined where there is none. */
  readonly text?: string
}

export const QUESTIONS: readonly Question[] = [
  { name: `ip4203-0-113-7.${ZONE}`, type: 'A', rcode: 'NOERROR', text: '203.0.113.7' },
  { name: `ip62001-db8--1.${ZONE}`, type: 'AAAA', rcode: 'NOERROR', text: '2001:db8::1' },
  {
    name: `${ID0_SAMPLES.ed25519.label}.${ZONE}`,
    type: 'TXT',
    rcode: 'NOERROR',
    text: ID0_SAMPLES.ed25519.text,
  },
  { name: `ip4203-0-113-7.${ZONE}`, type: 'AAAA', rcode: 'NOERROR' },
  { name: `ip4203-0-113-7.${ZONE}`, type: 'CAA', rcode: 'NOERROR' },
  { name: `_acme-challenge.ip4203-0-113-7.${ZONE}`, type: 'TXT', rcode: 'NOERROR' },
  { name: ZONE, type: 'CAA', rcode: 'NOERROR', text: 'pebble.letsencrypt.org' },
  { name: ZONE, type: 'SOA', rcode: 'NOERROR', text: `hostmaster.${ZONE}` },
  { name: ZONE, type: 'NS', rcode: 'NOERROR', text: `ns2.${ZONE}` },
  { name: `ip4256-0-0-1.${ZONE}`, type: 'A', rcode: 'NXDOMAIN' },
  { name: `no-such-name.${ZONE}`, type: 'TXT', rcode: 'NXDOMAIN' },
]

interface Init {
  readonly folder: string
  readonly signal: AbortSignal
}

/** kdig and dig, at every server, over UDP and TCP. */
export async function runDirect(tool: 'kdig' | 'dig', { signal }: Init): Promise<Step> {
  return step({ tool, what: 'every server, UDP and TCP' }, async () => {
    const problems: Problem[] = []
    let asked = 0
    for (const { address } of NAME_SERVERS.flatMap(dnsAddresses)) {
      for (const transport of ['+notcp', '+tcp']) {
        for (const question of QUESTIONS) {
          const words = [`@${address}`, transport, '+norec', question.name, question.type]
          const { stdout, stderr } = await runTool(tool, words, { signal })
          asked += 1
          problems.push(...judge(question, stdout, stderr, words))
        }
      }
    }
    return { problems, note: `${asked} questions` }
  })
}

/** What a resolver makes of the zone, from the root on. */
export async function runThroughRecursor(
  recursor: keyof typeof RECURSOR_ADDRESSES,
  { signal }: Init,
): Promise<Step> {
  return step({ tool: 'dig', what: `through ${recursor}` }, async () => {
    const problems: Problem[] = []
    for (const question of QUESTIONS) {
      const words = [`@${RECURSOR_ADDRESSES[recursor]}`, '+rec', question.name, question.type]
      const { stdout, stderr } = await runTool('dig', words, { signal })
      problems.push(...judge(question, stdout, stderr, words))
    }
    return { problems, note: `${QUESTIONS.length} questions` }
  })
}

/** drill follows every delegation from the root by itself. */
export async function runDrill({ folder, signal }: Init): Promise<Step> {
  return step({ tool: 'drill', what: 'traces from the root' }, async () => {
    const hints = join(folder, 'drill.hints')
    await writeFile(hints, rootHints())
    const problems: Problem[] = []
    for (const question of QUESTIONS.filter(({ text }) => text !== undefined)) {
      const words = ['-r', hints, '-T', question.name, question.type]
      const { code, stdout, stderr } = await runTool('drill', words, { signal })
      if (code === 0 && stdout.includes(question.text ?? '')) continue
      problems.push({
        tag: 'answer',
        text: `drill ${words.join(' ')}: ${lastLine(stdout + stderr)}`,
      })
    }
    return { problems }
  })
}

/** delv is BIND's resolver: it validates, and says what it thinks of an answer. */
export async function runDelv({ signal }: Init): Promise<Step> {
  return step({ tool: 'delv', what: 'through unbound' }, async () => {
    const problems: Problem[] = []
    for (const { name, type, rcode, text } of QUESTIONS) {
      // The zone is not signed, and this root has no key.
      const words = [`@${RECURSOR_ADDRESSES.unbound}`, '-i', '+noroot', name, type]
      const { stdout, stderr } = await runTool('delv', words, { signal })
      const wanted = text ?? (rcode === 'NXDOMAIN' ? 'ncache nxdomain' : 'ncache nxrrset')
      if (`${stdout}${stderr}`.includes(wanted)) continue
      problems.push({
        tag: 'answer',
        text: `delv ${words.join(' ')}: ${lastLine(stdout + stderr)}`,
      })
    }
    return { problems }
  })
}

function judge(
  { rcode, text }: Question,
  stdout: string,
  stderr: string,
  words: readonly string[],
): Problem[] {
  const asked = words.join(' ')
  const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'no answer'
  const warnings = `${stdout}\n${stderr}`
    .split('\n')
    .filter((line) => /warning|malformed|;; Got bad/i.test(line))
  const answers = stdout.split('\n').filter((line) => /^[^;]/.test(line))
  const section = /ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? ''
  return [
    ...(status === rcode ? [] : [{ tag: 'status', text: `${asked}: ${status}, wanted ${rcode}` }]),
    ...(text === undefined || answers.some((line) => line.includes(text))
      ? []
      : [{ tag: 'answer', text: `${asked}: no ${text}` }]),
    ...(text === undefined && section !== ''
      ? [{ tag: 'answer', text: `${asked}: ${section}` }]
      : []),
    ...warnings.map((line) => ({ tag: 'warning', text: `${asked}: ${line}` })),
  ]
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? ''
}
