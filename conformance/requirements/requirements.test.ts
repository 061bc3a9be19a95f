import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { findRequirement, REQUIREMENTS } from './requirements.ts'
import { requirementsDocument } from './table.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const IDS = /NT-[A-Z0-9]+-\d{3}/g

test('REQUIREMENTS.md is what the data says', async (t) => {
  const written = read('conformance/REQUIREMENTS.md')
  t.equal(written, requirementsDocument(REQUIREMENTS), 'npm run generate writes it')
})

test('ids are unique and stand in the order of their numbers, each decision with its reason', async (t) => {
  const ids = REQUIREMENTS.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  for (const family of Map.groupBy(ids, (id) => id.slice(0, -3)).values()) {
    t.same(family, family.toSorted())
  }
  for (const { id, decision, why, sentence } of REQUIREMENTS) {
    t.equal(why !== undefined, decision, id)
    t.match(sentence, /^[A-Za-z0-9_].*\.$/, id)
  }
})

test('PROTOCOL.md and the requirements name the same ids', async (t) => {
  const text = read('PROTOCOL.md')
  // Lists such as "NT-ISSUE-011, 012" and "NT-DNS-010 … 013" name more than they spell.
  const named = new Set<string>()
  for (const [list, family] of text.matchAll(/(NT-[A-Z0-9]+-)\d{3}(?:, \d{3})*/g)) {
    for (const [number] of list.slice(family?.length).matchAll(/\d{3}/g))
      named.add(`${family}${number}`)
  }
  for (const id of named) t.ok(findRequirement(id), `${id} of PROTOCOL.md is a requirement`)
  for (const { id } of REQUIREMENTS) t.ok(named.has(id), `${id} is in PROTOCOL.md`)
})

test('ids in code are those of requirements', async (t) => {
  for (const file of globSync('{impl,conformance,scenarios}/**/*.ts', { cwd: root })) {
    // The suite's own tests name ids that do not exist.
    if (/^conformance\/.*\.test\.ts$/.test(file)) continue
    for (const [id] of read(file).matchAll(IDS)) t.ok(findRequirement(id), `${id} in ${file}`)
  }
})
