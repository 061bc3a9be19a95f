// npm run generate: writes what is made of data: REQUIREMENTS.md, the vectors, the schemas of both vectors and reports;
// and writes down the ids that are new.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { presentIds } from './permanent/present.ts'
import { promiseNew } from './permanent/promises.ts'
import { PROMISED } from './permanent/since.ts'
import { reportJsonSchema } from './reports/schema.ts'
import { REQUIREMENTS } from './requirements/requirements.ts'
import { requirementsDocument } from './requirements/table.ts'
import { SUITE_VERSION } from './suite/agent.ts'
import { vectorText } from './vectors/files.ts'
import { generateVectors } from './vectors/generate/index.ts'
import { jsonSchema, schemaName } from './vectors/schema.ts'

const vectors = join(import.meta.dirname, 'vectors')
mkdirSync(join(vectors, 'schemas'), { recursive: true })
writeFileSync(join(import.meta.dirname, 'REQUIREMENTS.md'), requirementsDocument(REQUIREMENTS))
writeFileSync(join(import.meta.dirname, 'reports/nt_report_v1.json'), reportJsonSchema())
for (const [kind, text] of generateVectors()) {
  writeFileSync(join(vectors, `${kind}.json`), text)
  writeFileSync(join(vectors, 'schemas', schemaName(kind)), vectorText(jsonSchema(kind)))
}
for (const name of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  copyFileSync(join(import.meta.dirname, '..', name), join(vectors, name))
}
writeFileSync(
  join(import.meta.dirname, 'permanent/ids.json'),
  vectorText(promiseNew(PROMISED, presentIds(), SUITE_VERSION)),
)
