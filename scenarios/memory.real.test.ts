import { scenariosHold } from './testing.ts'

scenariosHold('memory', process.env)
