import { AsyncLocalStorage } from 'node:async_hooks'
import type { FileHandle } from 'node:fs/promises'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import { simulation } from './simulation.ts'

type Module = Record<string, unknown>

/** What `node:crypto` does on other threads when it is given a callback. */
const CRYPTO_CALLBACKS = [
  'sign',
  'verify',
  'scrypt',
  'pbkdf2',
  'hkdf',
  'argon2',
  'generateKeyPair',
  'generateKey',
  'generatePrime',
  'checkPrime',
  'diffieHellman',
  'encapsulate',
  'decapsulate',
]
const DNS_LOOKUPS = ['lookup', 'lookupService']
/** They return iterators, whose ends nobody can wait for. */
const ITERATORS = new Set(['watch', 'glob'])

/** Whether the running code is part of work that the clock is held for already: it must not wait for itself. */
const working = new AsyncLocalStorage<boolean>()

/**
 * Everything of Node's that works on other threads, with its callers told in the order of their calls: `crypto.subtle`,
 * and of `node:crypto`, `node:fs`, `node:zlib` and `node:dns` what takes a callback or returns a promise.
 *
 * Not held, because nothing tells when they end: worker threads, child processes, message channels, sockets outside the
 * virtual network, streams of zlib, `Blob`, the first `import()` of a module. Hold the clock around those.
 */
export function workReplacements(): Replacement[] {
  const crypto = builtin<Module>('node:crypto')
  const fs = builtin<Module>('node:fs')
  const files = builtin<Module>('node:fs/promises')
  const zlib = builtin<Module>('node:zlib')
  const subtle = Object.getPrototypeOf(globalThis.crypto.subtle) as Module
  return [
    ...each('crypto.subtle', subtle, methodNames(subtle), promised),
    ...each('node:crypto', crypto, CRYPTO_CALLBACKS, calledBack),
    ...each('node:fs', fs, namesWithSync(fs), calledBack),
    ...each('node:zlib', zlib, namesWithSync(zlib), calledBack),
    ...each('node:dns', builtin<Module>('node:dns'), DNS_LOOKUPS, calledBack),
    ...each('node:dns/promises', builtin<Module>('node:dns/promises'), DNS_LOOKUPS, promised),
    ...each('node:fs/promises', files, methodNames(files), (name, own) =>
      name === 'node:fs/promises open' ? opening(name, own) : promised(name, own),
    ),
  ]
}

function each(
  module: string,
  owner: Module,
  names: readonly string[],
  make: (name: string, own: AnyFunction) => AnyFunction,
): Replacement[] {
  // What this Node does not have, nobody calls.
  const present = names.filter((key) => typeof owner[key] === 'function')
  return present.map((key) => {
    const name = `${module} ${key}`
    return { name, owner, key, value: make(name, owner[key] as AnyFunction) }
  })
}

const methodNames = (owner: Module): string[] =>
  Object.getOwnPropertyNames(owner).filter(
    (name) =>
      name !== 'constructor' &&
      !ITERATORS.has(name) &&
      typeof Object.getOwnPropertyDescriptor(owner, name)?.value === 'function',
  )

/** Functions that Node has with a callback too are those that it has without. */
const namesWithSync = (module: Module): string[] =>
  Object.keys(module).filter((name) => typeof module[`${name}Sync`] === 'function')

/** A function that returns a promise. */
function promised(name: string, own: AnyFunction): AnyFunction {
  return dressed(own, function (this: unknown, ...parameters) {
    const work = simulation()?.work
    if (work === undefined || working.getStore() === true) {
      return Reflect.apply(own, this, parameters)
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const tell = work.enter(name)
    const done = working.run(true, async () => Reflect.apply(own, this, parameters))
    done.then(
      (value) => tell(() => resolve(value)),
      (error: unknown) => tell(() => reject(error)),
    )
    return promise
  })
}

/** A function that works on another thread when its last argument is a callback. */
function calledBack(name: string, own: AnyFunction): AnyFunction {
  return dressed(own, function (this: unknown, ...parameters) {
    const work = simulation()?.work
    const callback = parameters.at(-1)
    if (work === undefined || typeof callback !== 'function' || working.getStore() === true) {
      return Reflect.apply(own, this, parameters)
    }
    const tell = work.enter(name)
    const done = (...results: unknown[]): void => tell(() => Reflect.apply(callback, this, results))
    try {
      return working.run(true, () => Reflect.apply(own, this, [...parameters.slice(0, -1), done]))
    } catch (error) {
      // It was called wrongly, and will not call back.
      tell(() => {})
      throw error
    }
  })
}

/** `open` of `node:fs/promises`: it gives the only way to the methods of a file handle. */
function opening(name: string, own: AnyFunction): AnyFunction {
  const open = promised(name, own)
  return dressed(own, async function (this: unknown, ...parameters) {
    const handle = (await Reflect.apply(open, this, parameters)) as FileHandle
    if (simulation() !== undefined) {
      holdMethods(Object.getPrototypeOf(handle) as Module)
      // Unlike the others it belongs to the handle itself.
      const close = handle.close.bind(handle) as AnyFunction
      handle.close = promised('FileHandle close', close) as FileHandle['close']
    }
    return handle
  })
}

const held = new WeakSet<object>()

function holdMethods(prototype: Module): void {
  if (held.has(prototype)) return
  held.add(prototype)
  const streams = new Set(['readLines', 'createReadStream', 'createWriteStream'])
  const names = methodNames(prototype).filter(
    (name) => !streams.has(name) && !['getAsyncId', 'readableWebStream'].includes(name),
  )
  for (const { key, value } of each('FileHandle', prototype, names, promised)) {
    Object.defineProperty(prototype, key, { value, configurable: true, writable: true })
  }
}
