import { createRequire, syncBuiltinESMExports } from 'node:module'

/** Something of Node's, and what stands in its place. */
export interface Replacement {
  /** As a reader of Node's documentation knows it. */
  readonly name: string
  readonly owner: object
  readonly key: string
  readonly value?: unknown
  /** For what is read and not called. */
  readonly get?: () => unknown
}

const requireBuiltin = createRequire(import.meta.url)

/** The object that `require` gives of a built-in module: the one whose properties `import` shows too. */
export function builtin<T extends object>(name: string): T {
  return requireBuiltin(name) as T
}

/** Puts everything in place. `import { randomBytes } from 'node:crypto'` shows it too, wherever it was written. */
export function replace(replacements: readonly Replacement[]): void {
  for (const { owner, key, value, get } of replacements) {
    const before = Object.getOwnPropertyDescriptor(owner, key)
    const enumerable = before?.enumerable ?? true
    Object.defineProperty(
      owner,
      key,
      get === undefined
        ? { configurable: true, enumerable, writable: true, value }
        : { configurable: true, enumerable, get },
    )
  }
  syncBuiltinESMExports()
}

type Method = (this: never, ...parameters: never[]) => unknown

/** A function of Node's. */
export type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown

/** Gives `standIn` the name of Node's function, and what `util.promisify` reads from it. */
export function dressed<T extends Method>(own: Method, standIn: T): T {
  if (typeof own !== 'function') {
    throw new TypeError(
      `Node ${process.version} has no function where the simulator replaces one (${standIn.name || 'see the stack'}): wanted a Node that the self-test fits`,
    )
  }
  for (const key of Reflect.ownKeys(own)) {
    if (key === 'prototype') continue
    const descriptor = Object.getOwnPropertyDescriptor(own, key)
    if (descriptor !== undefined)
      Object.defineProperty(standIn, key, { ...descriptor, configurable: true })
  }
  return standIn
}
