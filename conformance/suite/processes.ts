// Processes of this machine, as Linux tells of them in /proc; elsewhere none are known.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Those that there are now. */
export function processIds(): readonly number[] {
  return attempt(() => readdirSync('/proc'), []).flatMap((name) =>
    /^\d+$/.test(name) ? [Number(name)] : [],
  )
}

/** What a process was started with, as `NAME=value`; empty where it is somebody else's, or no longer there. */
export function environmentOfProcess(pid: number): readonly string[] {
  return attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'), '').split('\0')
}

/** The words of its command line. */
export function commandOf(pid: number): string {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '')
    .replaceAll('\0', ' ')
    .trim()
}

/** Who listens at a port; undefined where that is not to be seen, as of other users' processes. */
export function listenerAt(protocol: 'tcp' | 'udp', port: number): number | undefined {
  const inodes = new Set(['', '6'].flatMap((family) => socketsAt(`${protocol}${family}`, port)))
  if (inodes.size === 0) return undefined
  return processIds().find((pid) => {
    const folder = `/proc/${pid}/fd`
    return attempt(() => readdirSync(folder), []).some((name) =>
      inodes.has(attempt(() => readlinkSync(`${folder}/${name}`), '')),
    )
  })
}

/** State of a TCP socket that listens, of a UDP socket that is bound (include/net/tcp_states.h). */
const STATES: readonly string[] = ['0A', '07']

/** As the links in a process's fd folder call them. */
function socketsAt(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = attempt(() => readFileSync(`/proc/net/${table}`, 'latin1'), '').split('\n')
  return lines.flatMap((line) => {
    const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
    return local.endsWith(suffix) && STATES.includes(state) ? [`socket:[${inode}]`] : []
  })
}

/** Processes come and go, and others' are closed to us. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}
