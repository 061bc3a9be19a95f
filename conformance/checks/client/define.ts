// How checks of clients are made: servers are played, the client runs, and what it did is judged by what was seen on
// the wire and what it wrote. Its exit code alone never is.
import type { Case, CheckContext, Finding } from '../../suite/case.ts'
import type { WireLog } from '../../suite/wire-log.ts'
import { EXIT_UNSUPPORTED, exitText } from '../../client/client-process.ts'
import {
  goodInfo,
  goodIssue,
  goodProof,
  openPlay,
  type Play,
  type PlayInit,
} from '../../client/play.ts'
import { playedByHand } from '../by-hand.ts'
import { fail } from '../exchange.ts'

/** Cases that look at one run of a client that obtains a certificate from good servers. */
export const GOOD_OBTAIN = 'obtain'
/** The shortest that there is, so that common names fit. */
export const CLIENT_ZONE = 'nt.example'
/** A client is told this, and ended soon after. */
const TIMEOUT_SECONDS = 30
const CASE_TIMEOUT_MS = 60_000

const DEFAULTS: PlayInit = {
  testcase: 'obtain',
  zone: CLIENT_ZONE,
  proofs: [{ script: goodProof }],
  info: goodInfo,
  issue: goodIssue,
  neighbours: 0,
  privateAddresses: true,
  timeoutSeconds: TIMEOUT_SECONDS,
}

export interface ClientCaseInit extends Pick<Case, 'id' | 'title' | 'level' | 'timeoutMs'> {
  /** What is not good about the servers; a function where it has a state, which each run has anew. */
  readonly play?: Partial<PlayInit> | (() => Partial<PlayInit>)
  /** Cases with the same one look at one run of the client, which is that of whichever begins first. */
  readonly shared?: string
  readonly judge: (play: Play, context: CheckContext) => Promise<Finding | void> | Finding | void
}

export function clientCase({
  id,
  title,
  level,
  timeoutMs,
  play,
  shared,
  judge,
}: ClientCaseInit): Case {
  const initial = (): PlayInit => ({ ...DEFAULTS, ...(typeof play === 'function' ? play() : play) })
  const { testcase } = initial()
  return {
    id,
    title,
    role: 'client',
    ...(level === undefined ? {} : { level }),
    timeoutMs: timeoutMs ?? CASE_TIMEOUT_MS,
    byHand: () => playedByHand(id, { testcase, shows: title }),
    async run(context) {
      const { client } = context.target
      if (client === undefined) throw new Error('the target is no client')
      const name = (shared ?? id).replaceAll('/', '-')
      const open = (wire: WireLog): Promise<Play> => openPlay(client, { ...initial(), name, wire })
      let opened: Play
      if (shared === undefined) {
        opened = await open(context.wire)
        context.defer(() => opened.close())
      } else {
        opened = await context.shared(`client ${shared}`, async (wire) => {
          const value = await open(wire)
          return { value, close: () => value.close() }
        })
      }
      try {
        return await judge(opened, context)
      } catch (error) {
        if (await saysUnsupported(opened)) {
          const words = opened.client.lastWords()
          const reason = `the client exits with ${EXIT_UNSUPPORTED} for the test case "${testcase}"${words === '' ? '' : `: ${words}`}`
          return { verdict: 'unsupported', reason }
        }
        throw error
      }
    },
  }
}

async function saysUnsupported({ client }: Play): Promise<boolean> {
  const { exit } = client
  return exit !== undefined && 'code' in exit && exit.code === EXIT_UNSUPPORTED
}

export interface Wait {
  /** Of a client, in the words of the requirement. */
  readonly expected: string
  /** @default as long as the client was told that it has */
  readonly withinMs?: number
  /** Whether the client may end and the wait go on. @default false */
  readonly evenAfterExit?: boolean
}

/** Waits for something that the client has to do. */
export async function wait<T>(
  play: Play,
  context: Pick<CheckContext, 'signal'>,
  ready: () => Promise<T | undefined> | T | undefined,
  { expected, withinMs = play.init.timeoutSeconds * 1_000, evenAfterExit = false }: Wait,
): Promise<T> {
  const late = AbortSignal.timeout(withinMs)
  const ended = Symbol('ended')
  const found = await play.until(
    async () => {
      const value = await ready()
      if (value !== undefined) return value
      return play.client.exit === undefined || evenAfterExit ? undefined : ended
    },
    AbortSignal.any([context.signal, late]),
  )
  context.signal.throwIfAborted()
  if (found === undefined)
    return fail(expected, `nothing of the kind within ${withinMs / 1_000} s${await said(play)}`)
  // What it did last may have come after it was looked for.
  if (found !== ended) return found as T
  const last = await ready()
  return last ?? fail(expected, `that it ended before: ${await endText(play)}`)
}

/** How the client ended, with its last words. */
export async function endText(play: Play): Promise<string> {
  const { exit } = play.client
  const how = exit === undefined ? 'still running' : exitText(exit)
  return `${how}${await said(play)}`
}

async function said(play: Play): Promise<string> {
  const words = play.client.lastWords()
  return words === '' ? '' : `; it said: ${words}`
}
