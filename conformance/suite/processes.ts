// Processes of this machine, as Linux tells of them in /proc; elsewhere none are known.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { endianness } from 'node:os'
import { addressBytes, unmapped, type AddressBytes } from '../wire/addresses.ts'
import { errorCode } from './files.ts'

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

/** Whether there is one with this id. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

/** When a process was started, in the kernel's own measure: ids are used again. Empty where that is not to be seen. */
export function startOfProcess(pid: number): string {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), '')
  // Its name is in brackets, and may hold any.
  return stat.slice(stat.lastIndexOf(')') + 1).split(' ')[START_FIELD] ?? ''
}

/** Counted after the name (proc_pid_stat(5): field 22). */
const START_FIELD = 20

/** Where something listens. */
export interface Place {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

/** Who listens where nobody else can any more; undefined where that is not to be seen, as of other users' processes. */
export function listenerAt({ protocol, address, port }: Place): number | undefined {
  const wanted = addressBytes(address.split('%')[0] ?? '')
  if (wanted === undefined) return undefined
  const sockets = ['', '6'].flatMap((family) => socketsAt(`${protocol}${family}`, port))
  const [nearest] = sockets
    .map(({ inode, local }) => ({ inode, distance: distanceOf(unmapped(wanted), local) }))
    .filter(({ distance }) => distance < Infinity)
    .toSorted((a, b) => a.distance - b.distance)
  if (nearest === undefined) return undefined
  return processIds().find((pid) => {
    const folder = `/proc/${pid}/fd`
    return attempt(() => readdirSync(folder), []).some(
      (name) => attempt(() => readlinkSync(`${folder}/${name}`), '') === nearest.inode,
    )
  })
}

/**
 * How surely a socket at one address keeps another from being had: 0 for the same. A wildcard is all addresses of its
 * family, and that of IPv6 those of IPv4 too, unless somebody wants it otherwise.
 */
function distanceOf(wanted: AddressBytes, local: AddressBytes): number {
  if (Buffer.compare(wanted, local) === 0) return 0
  const wildcards = [wanted, local].filter((bytes) => bytes.every((byte) => byte === 0))
  if (wildcards.length === 0) return Infinity
  if (wanted.length === local.length) return 1
  return wildcards.some((bytes) => bytes.length === 16) ? 2 : Infinity
}

/** State of a TCP socket that listens, of a UDP socket that is bound (include/net/tcp_states.h). */
const STATES: readonly string[] = ['0A', '07']

interface LocalSocket {
  /** As the links in a process's fd folder call it. */
  readonly inode: string
  readonly local: AddressBytes
}

function socketsAt(table: string, port: number): readonly LocalSocket[] {
  const lines = attempt(() => readFileSync(`/proc/net/${table}`, 'latin1'), '').split('\n')
  return lines.flatMap((line) => {
    const [, place = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', hexPort = ''] = place.split(':')
    if (Number.parseInt(hexPort, 16) !== port || !STATES.includes(state)) return []
    return [{ inode: `socket:[${inode}]`, local: unmapped(kernelAddress(address)) }]
  })
}

/** Words of 32 bits, as this machine's numbers. */
function kernelAddress(hex: string): AddressBytes {
  const bytes = Buffer.from(hex, 'hex')
  return Uint8Array.from(endianness() === 'LE' ? bytes.swap32() : bytes)
}

/** Processes come and go, and others' are closed to us. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}
