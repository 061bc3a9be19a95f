import type { Target } from '../../suite/target.ts'

/** Whether a server holds some names that were written down, and computes none. */
export function staticZone({ capabilities }: Target): boolean {
  return capabilities.includes('static-zone')
}
