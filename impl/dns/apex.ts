import { parseAddress } from '../wire/addresses.ts'
import { LABEL_LENGTH_MAX } from '../wire/names.ts'
import { CHALLENGE_LABEL } from '../wire/protocols.ts'
import { dynamicNode, EMPTY_NODE, type Node } from './nodes.ts'
import {
  addressRecord,
  caaRdata,
  labelBytes,
  namesRdata,
  TYPE,
  writeUint32,
  type ResourceRecord,
  type SplitName,
} from './records.ts'
import type { ZoneInit } from './zone.ts'

// The names that configuration makes, and the records at them.

// Secondaries do not transfer this zone; these are the values that zone checkers expect (RIPE-203).
const SOA_REFRESH_SECONDS = 14_400
const SOA_RETRY_SECONDS = 3_600
const SOA_EXPIRE_SECONDS = 1_209_600
const NONE: readonly ResourceRecord[] = []

/** The record that every negative answer carries. */
export function soaRecord(
  init: ZoneInit,
  zone: string,
  ttl: { readonly ttlSeconds: number; readonly minimumSeconds: number },
): ResourceRecord {
  const [primary] = init.nameServers
  if (primary === undefined) throw new RangeError(`zone "${zone}" has no name server`)
  const numbers = new Uint8Array(20)
  for (const [index, value] of [
    init.serial ?? 1,
    SOA_REFRESH_SECONDS,
    SOA_RETRY_SECONDS,
    SOA_EXPIRE_SECONDS,
    ttl.minimumSeconds,
  ].entries()) {
    writeUint32(numbers, value, index * 4)
  }
  const names = [splitName(primary.name, zone), mailboxName(init.hostmaster, zone)]
  return {
    owner: undefined,
    type: TYPE.SOA,
    ttlSeconds: ttl.ttlSeconds,
    rdata: namesRdata(names, numbers),
  }
}

/** The names that configuration makes: the apex, name servers in the zone, and what lies between them. */
export function apexNodes(
  init: ZoneInit,
  zone: string,
  { soa, ttlSeconds }: { readonly soa: ResourceRecord; readonly ttlSeconds: number },
): ReadonlyMap<string, Node> {
  const nodes = new Map<string, Node>()
  const glue: ResourceRecord[] = []
  const ns: ResourceRecord[] = []
  for (const { name, addresses = [] } of init.nameServers) {
    const split = splitName(name, zone)
    const data = namesRdata([split], new Uint8Array(0))
    ns.push({ owner: undefined, type: TYPE.NS, ttlSeconds, rdata: data })
    if (!split.inZone) continue
    const relative = name
      .toLowerCase()
      .replace(/\.$/, '')
      .slice(0, -(zone.length + 1))
    checkNameServer(name, relative, addresses)
    const records = addresses.map((address) =>
      addressRecord(address, { owner: undefined, ttlSeconds }),
    )
    nodes.set(relative, { records, glue: NONE })
    glue.push(...records.map((record) => ({ ...record, owner: split.labels })))
    for (let rest = relative; rest.includes('.');) {
      rest = rest.slice(rest.indexOf('.') + 1)
      if (!nodes.has(rest)) nodes.set(rest, EMPTY_NODE)
    }
  }
  const caa = (init.caa ?? []).map((authority): ResourceRecord => {
    if (!/^[a-z0-9]{1,15}$/i.test(authority.tag)) {
      throw new RangeError(`CAA tag "${authority.tag}" is not 1 to 15 letters and digits`)
    }
    return { owner: undefined, type: TYPE.CAA, ttlSeconds, rdata: caaRdata(authority) }
  })
  nodes.set('', { records: [soa, ...ns, ...caa], glue })
  return nodes
}

function checkNameServer(name: string, relative: string, addresses: readonly string[]): void {
  if (addresses.length === 0) {
    throw new RangeError(`name server "${name}" lies in its own zone and has no addresses`)
  }
  for (const address of addresses) {
    if (parseAddress(address) === undefined) {
      throw new RangeError(
        `name server "${name}" has the address "${address}", wanted an IP address`,
      )
    }
  }
  const taken =
    relative === '' ||
    relative.split('.').includes(CHALLENGE_LABEL) ||
    dynamicNode(relative, 0) !== undefined
  if (taken) throw new RangeError(`name server "${name}" has a name that means something else here`)
}

/** Labels before the zone when a name lies in it, otherwise all labels. */
function splitName(text: string, zone: string): SplitName {
  const name = text.toLowerCase().replace(/\.$/, '')
  const valid =
    name.length <= 253 &&
    name
      .split('.')
      .every((label) => /^[a-z0-9_-]+$/.test(label) && label.length <= LABEL_LENGTH_MAX)
  if (!valid) throw new RangeError(`"${text}" is no host name`)
  const inZone = name === zone || name.endsWith(`.${zone}`)
  const labels = inZone ? name.slice(0, -zone.length).split('.') : name.split('.')
  return { labels: labelBytes(labels.filter((label) => label !== '')), inZone }
}

/** RFC 1035 §8: what stands before the @ is one label, dots and all. */
function mailboxName(mailbox: string | undefined, zone: string): SplitName {
  const [user = '', domain = '', ...more] = (mailbox ?? `hostmaster@${zone}`).split('@')
  if (!/^[\x21-\x7e]{1,63}$/.test(user) || domain === '' || more.length > 0) {
    throw new RangeError(`hostmaster "${mailbox}" is no mail address such as "hostmaster@${zone}"`)
  }
  const split = splitName(domain, zone)
  return { labels: Buffer.concat([labelBytes([user]), split.labels]), inZone: split.inZone }
}
