import { DatabaseSync, StatementSync } from 'node:sqlite'
import { DiskProblems, type DiskProblem } from './disk.ts'
import { currentHost } from './sim/host-context.ts'

/** As SQLite says it: SQLITE_FULL and SQLITE_READONLY. */
const ERRORS: Readonly<
  Record<DiskProblem, { readonly message: string; readonly errcode: number }>
> = {
  full: { message: 'database or disk is full', errcode: 13 },
  'read-only': { message: 'attempt to write a readonly database', errcode: 8 },
}

/** What changes a file; `BEGIN` and `ROLLBACK` do not. */
const WRITES =
  /^\s*(insert|update|delete|replace|create|drop|alter|commit|pragma\s+user_version\s*=)/i

const broken = new Map<string, DiskProblems>()
let restore: (() => void) | undefined

/**
 * Fails every write to a store of a simulated host, beneath node:sqlite, until the returned function is called. The files
 * themselves are on this machine's disk, which has room.
 */
export function breakStores(host: string, problem: DiskProblem): () => void {
  const problems = broken.get(host) ?? new DiskProblems()
  broken.set(host, problems)
  const end = problems.begin(problem)
  restore ??= takeOver()
  return () => {
    end()
    if (problems.latest === undefined) broken.delete(host)
    if (broken.size > 0) return
    restore?.()
    restore = undefined
  }
}

function takeOver(): () => void {
  const exec = method(DatabaseSync.prototype, 'exec')
  const run = method(StatementSync.prototype, 'run')
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
    if (WRITES.test(sql)) check()
    Reflect.apply(exec, this, [sql])
  }
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    check()
    return Reflect.apply(run, this, values) as ReturnType<StatementSync['run']>
  }
  return () => {
    DatabaseSync.prototype.exec = exec as DatabaseSync['exec']
    StatementSync.prototype.run = run as StatementSync['run']
  }
}

function method(prototype: object, name: string): (...parameters: unknown[]) => unknown {
  return Reflect.get(prototype, name) as (...parameters: unknown[]) => unknown
}

function check(): void {
  const problem = broken.get(currentHost()?.name ?? '')?.latest
  if (problem === undefined) return
  const { message, errcode } = ERRORS[problem]
  throw Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode, errstr: message })
}
