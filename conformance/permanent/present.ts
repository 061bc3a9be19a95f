import { CASES, REQUIREMENTS } from '../suite/catalogue.ts'
import { readVectors, type VectorFile } from '../vectors/files.ts'
import { KINDS } from '../vectors/schema.ts'
import { vectorMeanings, type Present } from './promises.ts'

/** Every requirement, check and vector that there is now. */
export function presentIds(): Present {
  return {
    requirements: Object.fromEntries(REQUIREMENTS.map(({ id, title }) => [id, title])),
    checks: CASES.map(({ id }) => id),
    vectors: Object.fromEntries(
      KINDS.map((kind) => [kind, vectorMeanings(JSON.parse(readVectors(kind)) as VectorFile)]),
    ),
  }
}
