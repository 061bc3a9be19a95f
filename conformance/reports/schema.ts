import { z } from 'zod'
import { reportSchema } from './report.ts'

/** The JSON Schema of a report, as nt_report_v1.json holds it for those who read reports. */
export function reportJsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(reportSchema)
  const schema = { $schema, title: 'A run of nodetrust-conformance', ...rest }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
