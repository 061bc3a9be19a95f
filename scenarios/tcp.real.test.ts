import { scenariosHold } from './testing.ts'

scenariosHold('tcp', process.env)
