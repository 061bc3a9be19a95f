import { wire } from '../impl/index.ts'
import { everyClientHasItsCertificate, oneOrderForEachCertificate } from './engine/expectations.ts'
import { hosts, type Expectation, type Fault, type Scenario } from './engine/scenario.ts'
import type { World } from './engine/world.ts'

/** Each client's names: its id and its address. */
const NAMES = 2
/** How long a server that has crashed stays away. */
const OUTAGE_MS = 300

/** When a server that is cut off comes back. */
const BACK = { event: 'story:step', detail: { text: 'dns2 comes back' } }

/**
 * dns2 goes away and comes back three times: restarted with an empty memory while an order is under way, cut off with
 * its old memory while the challenges are removed everywhere else, and once more so while the issue server dies too.
 */
export const dnsServerReturns: Scenario = {
  name: 'dns-server-returns',
  title:
    'a DNS server that was away has the challenges that are live when it is back, and none that were removed meanwhile',
  proves: ['NT-DNS01-013', 'NT-ISSUE-037', 'NT-ISSUE-038'],
  clientsDefault: 3,
  clientsMin: 3,
  clientsMax: 3,
  world: (client) => ({
    // Announcements pass by the issue server and the DNS servers: they are left out.
    hosts: hosts({ proof: 1, dns: 2, issue: 1, client }).map((host) =>
      host.role === 'client' ? { ...host, options: { announce: false } } : host,
    ),
  }),
  async run(world, inject) {
    await restarted(world, 'client1', inject)
    await cutOff(world, 'client2', inject)
    await cutOffWithTheIssueServerKilled(world, 'client3', inject)
  },
  expectations: [
    {
      name: 'dns2 answered the live challenges after its restart, the same as dns1',
      holds: (world) =>
        answersOf(world, 'client1', (of) =>
          of('dns1').some(({ length }) => length !== 1) ||
          JSON.stringify(of('dns1')) !== JSON.stringify(of('dns2'))
            ? `dns1 answered ${JSON.stringify(of('dns1'))}, dns2 ${JSON.stringify(of('dns2'))}`
            : true,
        ),
    },
    nothingIsLeft('client2', 'the challenges that were removed while it was cut off'),
    nothingIsLeft('client3', 'those that were not removed before the issue server died'),
    {
      name: 'dns2 was cut off with the challenges in its memory',
      holds(world) {
        const held = world.trace.of('dns:holds').map(({ detail }) => detail['count'])
        return held.join() === `${NAMES},${NAMES}` || `it had ${held.join(' and ')}`
      },
    },
    oneOrderForEachCertificate,
    everyClientHasItsCertificate,
  ],
}

type Inject = (fault: Fault) => Promise<void>

/** dns2 is down while the challenges are set, and back, with nothing in its memory, before the CA looks. */
async function restarted(world: World, client: string, inject: Inject): Promise<void> {
  await inject({ kind: 'crash', host: 'dns2', at: { event: 'order:created' }, forMs: OUTAGE_MS })
  const set = { event: 'challenge:set', detail: { server: world.host('dns1').peerId }, nth: NAMES }
  await inject({
    kind: 'pause',
    host: 'ca',
    at: set,
    until: { event: 'dns:asked', nth: 2 * NAMES },
  })
  const asked = world.obtain(client)
  await told(world, client, { host: 'dns2', event: 'challenge:set' })
  for (const server of ['dns1', 'dns2']) await ask(world, client, server)
  await asked
}

/** dns2 knows the challenges, and cannot be reached while they are removed. */
async function cutOff(world: World, client: string, inject: Inject): Promise<void> {
  await inject({ kind: 'isolate', host: 'dns2', at: setOnDns2(world), until: BACK })
  await world.obtain(client)
  await told(world, client, { host: 'dns1', event: 'challenge:removed' })
  await comeBack(world, client)
}

/** As before, and the issue server dies when the certificate is there, before it could remove anything. */
async function cutOffWithTheIssueServerKilled(
  world: World,
  client: string,
  inject: Inject,
): Promise<void> {
  await inject({ kind: 'isolate', host: 'dns2', at: setOnDns2(world), until: BACK })
  const issued = { event: 'certificate:issued' }
  await inject({ kind: 'crash', host: 'issue1', at: issued, forMs: OUTAGE_MS })
  const { error } = await world.obtain(client)
  await told(world, client, { host: 'dns1', event: 'challenge:removed' })
  await comeBack(world, client)
  if (error !== undefined) await world.obtain(client)
}

async function comeBack(world: World, client: string): Promise<void> {
  // The host cannot be reached; what it has can be looked at all the same.
  const count = world.host('dns2').node.services.dns?.challengeCount
  world.trace.record('dns2', 'dns:holds', { count })
  world.trace.record('dns2', BACK.event, BACK.detail)
  await told(world, client, { host: 'dns2', event: 'challenge:removed' })
  for (const server of ['dns1', 'dns2']) await ask(world, client, server)
}

/** When a server has told the same of all challenges of a client. */
async function told(
  world: World,
  client: string,
  { host, event }: { readonly host: string; readonly event: string },
): Promise<void> {
  for (const name of namesOf(world, client)) {
    await world.trace.waitFor(
      (entry) => entry.host === host && entry.event === event && entry.detail['name'] === name,
      world.signal,
    )
  }
}

/** When the issue server has seen the challenges of the next order on dns2. */
function setOnDns2(world: World) {
  return { event: 'challenge:set', detail: { server: world.host('dns2').peerId }, nth: NAMES }
}

/** Asks one DNS server, by DNS, for the challenges of a client. */
async function ask(world: World, client: string, server: string): Promise<void> {
  for (const name of namesOf(world, client)) await world.challengesOn(server, name)
}

function namesOf(world: World, client: string): string[] {
  const { peerId, place } = world.host(client)
  return [
    wire.id0Name(world.peerIdBytes(peerId), world.zone),
    wire.addressName(place.addresses[4] ?? '', world.zone),
  ]
}

/** What each server answered for a client's names, in one order; when none was asked, that is wrong. */
function answersOf(
  world: World,
  client: string,
  judge: (of: (server: string) => readonly string[][]) => true | string,
): true | string {
  const names = namesOf(world, client)
  const of = (server: string): string[][] =>
    world.trace
      .of('dns:asked')
      .filter(({ host, detail }) => host === server && names.includes(String(detail['name'])))
      .map(({ detail }) => detail['values'] as string[])
  const asked = of('dns1').length + of('dns2').length
  return asked === 2 * NAMES ? judge(of) : `${asked} answers came`
}

function nothingIsLeft(client: string, what: string): Expectation {
  return {
    name: `dns2, back with its old memory, answers nothing of ${what}`,
    holds: (world) =>
      answersOf(world, client, (of) => {
        const left = [...of('dns1'), ...of('dns2')].flat()
        return left.length === 0 || `answered were ${left.join(', ')}`
      }),
  }
}
