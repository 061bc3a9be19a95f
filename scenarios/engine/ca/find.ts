// The decision which CAs to try, in which order: pure, from facts about the machine that `machine.ts` gathers.
import type { AcmeCaKind } from './acme-ca.ts'

export interface MachineFacts {
  readonly acmeUrl: string | undefined
  readonly pebbleBinary: string | undefined
  /** The first Pebble on PATH that really is the ACME server of that name. */
  readonly pebbleOnPath: string | undefined
  /** Socket of a Docker engine that answered a ping. */
  readonly dockerSocket: string | undefined
  /** apt-get, where the system is Debian or made from it. */
  readonly aptGet: string | undefined
  readonly root: boolean
  /** The Go program. */
  readonly go: string | undefined
}

export type Way =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'PEBBLE_BIN' | 'path'; readonly binary: string }
  | {
      readonly kind: 'container'
      readonly socket: string
      /** A Pebble of this machine to make the image from, where there is one. */
      readonly binary: string | undefined
    }
  | { readonly kind: 'apt'; readonly aptGet: string }
  | { readonly kind: 'go'; readonly go: string }
  | { readonly kind: 'built-in' }

/**
 * The ways to try, best first. What a person named is never replaced by something else: a mistyped
 * PEBBLE_BIN that silently becomes another Pebble would make the run a statement about the wrong CA.
 */
export function findWays(facts: MachineFacts, only?: AcmeCaKind): readonly Way[] {
  if (only === 'built-in') return [{ kind: only }]
  const ways = possibleWays(facts)
  if (only !== undefined) return ways.filter(({ kind }) => kind === only)
  const named = ways.find(({ kind }) => kind === 'url' || kind === 'PEBBLE_BIN')
  return named === undefined ? ways : [named]
}

function possibleWays(facts: MachineFacts): readonly Way[] {
  const { acmeUrl, pebbleBinary, pebbleOnPath, dockerSocket, aptGet, root, go } = facts
  const ways: Way[] = []
  if (acmeUrl !== undefined) ways.push({ kind: 'url', url: acmeUrl })
  if (pebbleBinary !== undefined) ways.push({ kind: 'PEBBLE_BIN', binary: pebbleBinary })
  if (pebbleOnPath !== undefined) ways.push({ kind: 'path', binary: pebbleOnPath })
  if (dockerSocket !== undefined) {
    ways.push({ kind: 'container', socket: dockerSocket, binary: pebbleBinary ?? pebbleOnPath })
  }
  if (aptGet !== undefined && root) ways.push({ kind: 'apt', aptGet })
  if (go !== undefined) ways.push({ kind: 'go', go })
  return ways
}

/** One line: what was tried and why it failed, then every way to get a CA, those of the command first. */
export function unavailableMessage(
  facts: MachineFacts,
  failures: readonly string[],
  commandWays: readonly string[] = [],
): string {
  const tried = failures.length === 0 ? '' : ` (tried ${failures.map(oneLine).join('; ')})`
  const named = facts.pebbleBinary !== undefined
  const apt =
    facts.aptGet !== undefined && !facts.root
      ? 'run `sudo apt-get install pebble`'
      : 'run `apt-get install pebble` (Debian, Ubuntu)'
  const ways = [
    ...commandWays,
    named ? 'correct PEBBLE_BIN' : 'set PEBBLE_BIN to a Pebble program',
    `${named ? 'unset it and ' : ''}put \`pebble\` on PATH`,
    'start a Docker engine',
    apt,
    'install Go',
  ]
  return `no ACME CA can be had${tried}: ${ways.join(', or ')}`
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
