// `node:dns`: queries of a host travel over its network as packets. Node's own code checks arguments, makes errors and
// calls back; ours takes the place of c-ares and getaddrinfo beneath it.
import dns from 'node:dns'
import { AsyncLocalStorage } from 'node:async_hooks'
import { isIP } from 'node:net'
import { currentNet, isVirtual, type HostNet } from './hosts.ts'
import { prototypes, symbols, uv, type Channel, type HandleRequest } from './internals.ts'
import type { Patches } from './patches.ts'
import { resolve, QUERY_TYPES, type ResolveOptions } from './resolve.ts'

/** What c-ares does when nobody says. */
const TIMEOUT_MS = 2_000
const TRIES = 4

interface ChannelFacts {
  readonly timeoutMs: number
  readonly tries: number
  serversGiven: boolean
  /** Cancels what is asked. */
  asking: AbortController
}

export function patchDns(patches: Patches): void {
  const facts = new WeakMap<object, ChannelFacts>()
  const factsOf = (channel: object): ChannelFacts => {
    let known = facts.get(channel)
    if (known === undefined) {
      known = newFacts(TIMEOUT_MS, TRIES)
      facts.set(channel, known)
    }
    return known
  }

  patches.method(prototypes.resolver, symbols.initializeChannel, (original) => {
    return function initialize(
      this: { readonly _handle: object },
      timeoutMs: number,
      tries: number,
      ...rest: unknown[]
    ) {
      original.call(this, timeoutMs, tries, ...rest)
      facts.set(this._handle, newFacts(timeoutMs > 0 ? timeoutMs : TIMEOUT_MS, tries))
    }
  })

  patches.method(prototypes.channel, 'setServers', (original) => {
    return function setServers(this: Channel, servers: readonly unknown[]) {
      factsOf(this).serversGiven = true
      return original.call(this, servers)
    }
  })

  patches.method(prototypes.channel, 'cancel', (original) => {
    return function cancel(this: Channel) {
      const known = factsOf(this)
      known.asking.abort('ECANCELLED')
      known.asking = new AbortController()
      return original.call(this)
    }
  })

  for (const [name, type] of Object.entries(QUERY_TYPES)) {
    patches.method(prototypes.channel, name, (original) => {
      return function query(this: Channel, request: HandleRequest, hostname: string) {
        if (!isVirtual()) return original.call(this, request, hostname)
        const { timeoutMs, tries, serversGiven, asking } = factsOf(this)
        const net = currentNet()
        const servers = serversGiven
          ? this.getServers().map(([address, port]) => ({ address, port }))
          : (net.nameServers ?? [])
        const enter = AsyncLocalStorage.snapshot()
        const options = { net, servers, timeoutMs, tries, signal: asking.signal }
        resolve(hostname, type, options, ({ code, result, ttls }) =>
          enter(() =>
            code === undefined
              ? request.oncomplete?.(null, result, ttls)
              : request.oncomplete?.(code),
          ),
        )
        return 0
      }
    })
  }

  patches.method(dns, 'lookup', (original) => {
    return function lookup(...given: unknown[]) {
      const question = isVirtual() ? readQuestion(given) : undefined
      // Node says what is wrong with arguments.
      if (question === undefined) return original.apply(dns, given)
      const enter = AsyncLocalStorage.snapshot()
      const { hostname, family, all, callback } = question
      lookUp(currentNet(), hostname, family, (found) =>
        enter(() => {
          const [first] = found
          if (first === undefined) callback(notFound(hostname))
          else if (all) callback(null, found)
          else callback(null, first.address, first.family)
        }),
      )
      return {}
    }
  })

  patches.method(dns.promises, 'lookup', (original) => {
    return function lookup(hostname: string, options: dns.LookupOptions | number = {}) {
      if (!isVirtual()) return original.call(dns.promises, hostname, options)
      const { promise, resolve: done, reject } = Promise.withResolvers<unknown>()
      const settings = typeof options === 'number' ? { family: options } : options
      dns.lookup(hostname, settings, (error, found, family) => {
        if (error !== null) reject(error)
        else done(Array.isArray(found) ? found : { address: found, family })
      })
      return promise
    }
  })
}

type Callback = (error: Error | null, ...found: unknown[]) => void

interface Question {
  readonly hostname: string
  readonly family: number
  readonly all: boolean
  readonly callback: Callback
}

const FAMILIES: Readonly<Record<string, number>> = { IPv4: 4, IPv6: 6, 4: 4, 6: 6, 0: 0 }

/** The arguments of `lookup`; undefined where they are not as they should be. */
function readQuestion(given: readonly unknown[]): Question | undefined {
  const [hostname, second, third] = given
  const callback = typeof second === 'function' ? second : third
  if (typeof hostname !== 'string' || hostname === '' || typeof callback !== 'function') {
    return undefined
  }
  const options = typeof second === 'object' && second !== null ? second : { family: second }
  const { family, all = false } = options as { readonly family?: unknown; readonly all?: unknown }
  const version = FAMILIES[familyText(family)]
  if (version === undefined || typeof all !== 'boolean') return undefined
  return { hostname, family: version, all, callback: callback as Callback }
}

function familyText(family: unknown): string {
  return typeof family === 'string' || typeof family === 'number' ? String(family) : '0'
}

/** As Node makes it. */
function notFound(hostname: string): Error {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), {
    errno: uv['UV_EAI_NONAME'],
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname,
  })
}

function newFacts(timeoutMs: number, tries: number): ChannelFacts {
  return { timeoutMs, tries, serversGiven: false, asking: new AbortController() }
}

interface Found {
  readonly address: string
  readonly family: 4 | 6
}

/** As the system's own resolver: addresses, `localhost`, then the name servers of the host, IPv4 before IPv6. */
function lookUp(
  net: HostNet,
  hostname: string,
  family: number,
  found: (addresses: readonly Found[]) => void,
): void {
  const version = isIP(hostname)
  const versions = ([4, 6] as const).filter(
    (one) =>
      (family === 0 || family === one) &&
      net.machine.addresses.some((address) => address.includes(':') === (one === 6)),
  )
  if (version !== 0) {
    process.nextTick(found, [{ address: hostname, family: version }])
  } else if (hostname === 'localhost' || hostname.endsWith('.localhost')) {
    const own = versions.map((one) => ({ address: one === 4 ? '127.0.0.1' : '::1', family: one }))
    process.nextTick(found, own)
  } else if (versions.length === 0) process.nextTick(found, [])
  else askAll(net, hostname, versions, found)
}

function askAll(
  net: HostNet,
  hostname: string,
  versions: readonly (4 | 6)[],
  found: (addresses: readonly Found[]) => void,
): void {
  const answers = new Map<number, readonly Found[]>()
  const options: ResolveOptions = {
    net,
    servers: net.nameServers ?? [],
    timeoutMs: TIMEOUT_MS,
    tries: TRIES,
    signal: new AbortController().signal,
  }
  for (const family of versions) {
    resolve(hostname, family === 4 ? 'A' : 'AAAA', options, ({ result = [] }) => {
      const addresses = result as readonly string[]
      answers.set(
        family,
        addresses.map((address) => ({ address, family })),
      )
      if (answers.size < versions.length) return
      found(versions.flatMap((one) => answers.get(one) ?? []))
    })
  }
}
