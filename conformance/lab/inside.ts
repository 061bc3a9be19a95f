// The lab, inside of its namespace: root, zone, resolvers, CA, and everybody who has an opinion on the zone.
import { join } from 'node:path'
import { caOptionsFromEnvironment, openAcmeCa } from '../../scenarios/engine/ca/index.ts'
import { ID0_SAMPLES } from '../checks/dns/samples.ts'
import { startAuthority } from './authorities.ts'
import {
  DNS_PORT,
  dnsAddresses,
  RECURSOR_ADDRESSES,
  ROOT,
  setUpNetwork,
  TLD_HOST,
  ZONE,
  type RecursorName,
} from './network.ts'
import { startRecursor } from './recursors.ts'
import { startLabServers } from './servers.ts'
import type { Step } from './step.ts'
import { runIssuance, runNegativeCache, runReissue, type StoryInit } from './stories.ts'
import { runDnsperf } from './tools/dnsperf.ts'
import { runDnsviz } from './tools/dnsviz.ts'
import { runDelv, runDirect, runDrill, runThroughRecursor } from './tools/questions.ts'
import { runZonemaster } from './tools/zonemaster.ts'
import { parentZones } from './zones.ts'

export interface LabInit {
  readonly folder: string
  readonly environment: Record<string, string | undefined>
  readonly signal: AbortSignal
  readonly report: (line: string) => void
  readonly onStep: (step: Step) => void
}

const RECURSORS = Object.keys(RECURSOR_ADDRESSES) as readonly RecursorName[]

/** Runs everything, one after the other: the machine is small, and times are told. */
export async function runLab({
  folder,
  environment,
  signal,
  report,
  onStep,
}: LabInit): Promise<Step[]> {
  const steps: Step[] = []
  const add = async (running: Promise<Step>): Promise<void> => {
    const done = await running
    steps.push(done)
    onStep(done)
  }
  await setUpNetwork(signal)
  await using stack = new AsyncDisposableStack()
  stack.use(
    await startAuthority({
      authority: 'nsd',
      program: 'nsd',
      folder: join(folder, 'root'),
      listen: [...dnsAddresses(ROOT), ...dnsAddresses(TLD_HOST)],
      zones: parentZones(),
      signal,
    }),
  )
  for (const name of RECURSORS) {
    stack.use(await startRecursor(name, { folder: join(folder, name), signal }))
  }
  for (const recursor of RECURSORS) {
    const context = {
      folder: join(folder, `issue-${recursor}`),
      recursor,
      environment,
      signal,
      report,
    }
    await withServers(context, async (init) => {
      await add(runIssuance(init))
      await add(runNegativeCache(init))
      await add(runReissue(init))
      await add(runThroughRecursor(recursor, { folder, signal }))
      if (recursor !== RECURSORS.at(-1)) return
      // The servers are the same whoever the CA asks: once is enough for those who look at the zone.
      await add(runDirect('kdig', { folder, signal }))
      await add(runDirect('dig', { folder, signal }))
      await add(runDrill({ folder, signal }))
      await add(runDelv({ folder, signal }))
      await add(runZonemaster({ folder, signal }))
      for (const name of [ZONE, `ip4203-0-113-7.${ZONE}`, `${ID0_SAMPLES.ed25519.label}.${ZONE}`]) {
        await add(runDnsviz(name, { folder, signal }))
      }
      await add(runDnsperf('udp', { folder, signal }))
      await add(runDnsperf('tcp', { folder, signal }))
    })
  }
  return steps
}

/** Pebble, which looks names up through this resolver, and servers that have certificates made by it. */
async function withServers(
  {
    folder,
    recursor,
    environment,
    signal,
    report,
  }: Pick<LabInit, 'folder' | 'environment' | 'signal' | 'report'> & {
    readonly recursor: RecursorName
  },
  use: (init: StoryInit) => Promise<void>,
): Promise<void> {
  await using ca = await openAcmeCa({
    ...caOptionsFromEnvironment(environment),
    resolver: `${RECURSOR_ADDRESSES[recursor]}:${DNS_PORT}`,
    workDirectory: folder,
    signal,
  })
  report(`${ca.description}, which asks ${recursor}`)
  await using servers = await startLabServers({ folder, acme: ca, signal })
  const crashed = new AbortController()
  void servers.crashed.then((how) => crashed.abort(new Error(`the servers ended: ${how}`)))
  const { issueServer } = servers
  await use({
    folder,
    issueServer,
    recursor,
    signal: AbortSignal.any([signal, crashed.signal]),
  })
}
