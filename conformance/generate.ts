// npm run generate: writes what is made of data.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reportJsonSchema } from './reports/schema.ts'
import { REQUIREMENTS } from './requirements/requirements.ts'
import { requirementsDocument } from './requirements/table.ts'

writeFileSync(join(import.meta.dirname, 'REQUIREMENTS.md'), requirementsDocument(REQUIREMENTS))
writeFileSync(join(import.meta.dirname, 'reports/nt_report_v1.json'), reportJsonSchema())
