import { COMMAND } from '../suite/agent.ts'
import type { PrepareWords } from './prepare-target.ts'

/** What servers have to know of the suite, as `prepare --json` prints it. */
export interface Facts {
  readonly file: string
  /** Whether there are private keys in it. */
  readonly secret: boolean
  /** Peer id. */
  readonly writer?: string
  /** libp2p public key (protobuf), base64. */
  readonly proofKey?: string
  readonly dnsServer?: {
    readonly address: string
    readonly query: { readonly address: string; readonly port: number }
    readonly only: boolean
  }
  readonly acme?: { readonly directoryUrl: string; readonly certificateFile: string }
}

const COLUMN = 54

/** The same for people. */
export function factsText(facts: Facts, words: PrepareWords): string {
  const known = knownLines(facts, words)
  const nothing =
    'Nothing: they are asked as any stranger asks them. With --dns01 and --issue there is more to check.\n'
  return `${facts.file} is the target${facts.secret ? '; it holds private keys' : ''}.
Put in what is missing, and under "capabilities" what else your servers can: see conformance/README.md.

What your servers have to know of the suite, for as long as it checks them:

${known.length === 0 ? nothing : known.join('\n')}
Then: ${COMMAND} run --target ${facts.file}
`
}

function knownLines(
  { writer, proofKey, dnsServer, acme }: Facts,
  { issue, proof, play, playOnly, playAcme }: PrepareWords,
): readonly string[] {
  return [
    ...(writer === undefined
      ? []
      : [part('DNS servers: this peer may set challenges', 'dns.writers', [writer])]),
    ...(proofKey === undefined
      ? []
      : [
          part('Issue server: this key signs proofs', 'issue.proofKeys', [
            proofKey,
            'Whoever holds it can have any address certified: trust it in a test zone only, and take it out afterwards.',
          ]),
        ]),
    ...(dnsServer === undefined
      ? []
      : [
          part(
            `Issue server: ${dnsServer.only ? 'its only' : 'one more'} DNS server of the zone`,
            'issue.dnsServers',
            [
              dnsServer.address,
              `answers queries at ${dnsServer.query.address} port ${dnsServer.query.port}${dnsServer.only ? ', where the CA has to find the zone' : ''}`,
            ],
          ),
        ]),
    ...(acme === undefined
      ? []
      : [
          part('Issue server: the directory of its CA', 'issue.acme.directoryUrl', [
            acme.directoryUrl,
            `trusting ${acme.certificateFile}${' '.repeat(4)}(nodetrust.yaml: issue.acme.certificateAuthorityFile)`,
          ]),
        ]),
    ...(issue === undefined && proof === undefined ? [] : [limits({ issue, proof })]),
    ...(issue === undefined ? [] : moreToPlay({ play, playOnly, playAcme })),
  ]
}

/** What a run of all checks from one address does not run into. */
const QUICK_LIMIT = '{ burst: 600, intervalMs: 100 }'

/** A run needs hundreds of requests; what it is not granted it waits for. */
function limits({
  issue,
  proof,
}: { readonly [K in 'issue' | 'proof']: PrepareWords[K] | undefined }): string {
  const keys = [
    ...(proof === undefined ? [] : ['proof.rateLimit']),
    ...(issue === undefined ? [] : ['issue.rateLimit', 'issue.budgets']),
  ]
  return part('Limits for a quick run; otherwise it waits', keys.join(', '), [
    `rateLimit: ${QUICK_LIMIT}; with a burst of 20 and 3000 ms a run takes ten minutes`,
    ...(issue === undefined ? [] : ['budgets: none, where the CA is a private one without limits']),
  ])
}

/** What could be checked as well. */
function moreToPlay({
  play,
  playOnly,
  playAcme,
}: {
  readonly [K in 'play' | 'playOnly' | 'playAcme']: PrepareWords[K] | undefined
}): readonly string[] {
  if (play === undefined) {
    return [
      'With --play ADDRESS, an address of this machine that the issue server reaches, the suite is a DNS server, too.\n',
    ]
  }
  const more = [
    ...(playOnly === true ? [] : ['with --play-only, what becomes of orders when it fails']),
    ...(playAcme === undefined ? ['with --play-acme PORT, what is asked of the CA'] : []),
  ]
  return more.length === 0 ? [] : [`More is checked: ${more.join('; ')}.\n`]
}

function part(what: string, key: string, lines: readonly string[]): string {
  return `${what.padEnd(COLUMN)}(nodetrust.yaml: ${key})\n${lines.map((line) => `  ${line}\n`).join('')}`
}
