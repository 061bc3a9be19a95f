// How many clients one simulated world has room for: each is a libp2p node that proves its address and has a certificate.
import '../engine/sim/register.ts'
import { report } from './figures.ts'

const CLIENTS = 1_000
const CPU_SECONDS_MAX = 60
const RESIDENT_MEGABYTES_MAX = 1_000
const KIBIBYTES_PER_MEGABYTE = 1_000_000 / 1_024

const { crowd } = await import('./simulated-worlds.ts')
report({
  name: `${CLIENTS} clients obtain certificates in one world`,
  unit: 's of CPU',
  value: (await crowd(CLIENTS)) / 1_000,
  limit: CPU_SECONDS_MAX,
  atMost: 1,
})
report({
  name: `${CLIENTS} clients in one world, memory`,
  unit: 'MB',
  value: process.resourceUsage().maxRSS / KIBIBYTES_PER_MEGABYTE,
  limit: RESIDENT_MEGABYTES_MAX,
  atMost: 1,
})
process.exit()
