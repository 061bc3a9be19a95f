// npm run generate: writes what is made of data, REQUIREMENTS.md so far.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REQUIREMENTS } from './requirements/requirements.ts'
import { requirementsDocument } from './requirements/table.ts'

writeFileSync(join(import.meta.dirname, 'REQUIREMENTS.md'), requirementsDocument(REQUIREMENTS))
