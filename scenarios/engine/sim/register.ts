// node --import …/scenarios/engine/sim/register.ts: prepares a process for simulated worlds before anything is loaded
// that would keep Node's own functions. sim/install.ts then puts a world on.
import { takeOver } from './take-over.ts'

takeOver({ fresh: true })
