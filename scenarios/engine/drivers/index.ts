import type { Driver } from './driver.ts'
import { memoryDriver } from './memory.ts'
import { tcpDriver } from './tcp.ts'

/** Where a world can run. */
export const drivers = { memory: memoryDriver, tcp: tcpDriver } satisfies Record<
  string,
  () => Driver
>

export type DriverName = keyof typeof drivers

export const DRIVER_NAMES = Object.keys(drivers) as DriverName[]
