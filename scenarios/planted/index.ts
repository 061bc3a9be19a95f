import type { PlantedBug } from './bug.ts'
import { CLIENT_BUGS } from './client.ts'
import { ISSUE_BUGS } from './issue.ts'
import { ORACLE_BUGS } from './oracles.ts'
import { SERVER_BUGS } from './servers.ts'

/** All bugs that the swarm must find. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...SERVER_BUGS,
  ...ISSUE_BUGS,
  ...CLIENT_BUGS,
  ...ORACLE_BUGS,
]
