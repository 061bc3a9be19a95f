import { EPOCH_MS } from './clock.ts'
import { setLoadingDate } from './date.ts'
import { keyReplacements } from './key-generation.ts'
import { pureReplacements } from './pure-crypto.ts'
import { randomReplacements, setLoadingRandom } from './randomness.ts'
import { SeededRandom } from './random.ts'
import { workReplacements } from './real-work.ts'
import { builtin, replace, type Replacement } from './replace.ts'
import { signingReplacements } from './signing.ts'
import { timeReplacements } from './time.ts'
import { undiciReplacements } from './undici-timers.ts'
import { webKeyReplacements } from './web-keys.ts'

/** Modules that keep, from the moment of their loading, Node's functions, or the time. */
const TOO_LATE_FOR = /\/node_modules\/(libp2p|@libp2p|@chainsafe|undici|ws)\//

/** As Node names what it has loaded of its own. */
const TOO_LATE_FOR_NODES_OWN = 'NativeModule internal/deps/undici/undici'

/** What has been put in the place of Node's; nothing before {@link takeOver}. */
const taken: Replacement[] = []

/** Whether Node's functions ask for a world. */
export const isTakenOver = (): boolean => taken.length > 0

/** Everything that stands in the place of something of Node's; where several do, the one that is called first. */
export function takenOver(): readonly Replacement[] {
  return taken.filter(
    ({ owner, key }, index) =>
      !taken.slice(index + 1).some((later) => later.owner === owner && later.key === key),
  )
}

/**
 * Puts the simulator's functions in the place of Node's, for the rest of the process. As long as no world is on they do
 * what Node's do; except that until the first one is, `Date` stands still and random values are those of a fixed seed,
 * so that what modules keep from their loading is the same in every process.
 *
 * @throws when a module has been loaded that keeps Node's own functions; in a `fresh` process, Node's own fetch and
 * WebSocket too, which a test runner loads
 */
export function takeOver({ fresh = false }: { readonly fresh?: boolean } = {}): void {
  if (isTakenOver()) return
  const loaded =
    loadedScripts().find((url) => TOO_LATE_FOR.test(url)) ??
    nodesOwnModules().find((name) => fresh && name === TOO_LATE_FOR_NODES_OWN)
  if (loaded !== undefined) {
    throw new Error(
      `"${loaded}" was loaded before the simulator: start the process with --import and the path of sim/register.ts`,
    )
  }
  // What cannot be seeded is passed on to what holds the clock, so that comes before it.
  for (const make of [
    timeReplacements,
    workReplacements,
    chanceReplacements,
    pureReplacements,
    undiciReplacements,
  ]) {
    const replacements = make()
    replace(replacements)
    taken.push(...replacements)
  }
  setLoadingDate(EPOCH_MS)
  setLoadingRandom(new SeededRandom('loading'))
}

function chanceReplacements(): Replacement[] {
  return [
    ...randomReplacements(),
    ...keyReplacements(),
    ...webKeyReplacements(),
    ...signingReplacements(),
  ]
}

function nodesOwnModules(): readonly string[] {
  // It is in no document, but nothing else tells.
  return (process as unknown as { readonly moduleLoadList: readonly string[] }).moduleLoadList
}

/** The URLs of everything that V8 has compiled and still has, as it tells a debugger. */
function loadedScripts(): string[] {
  const { Session } = builtin<typeof import('node:inspector')>('node:inspector')
  const session = new Session()
  const urls: string[] = []
  session.connect()
  session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url))
  session.post('Debugger.enable')
  session.disconnect()
  return urls
}
