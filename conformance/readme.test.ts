import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { CAPABILITIES } from './suite/case.ts'
import { generateKeyTexts } from './suite/keys.ts'
import { parseTarget } from './suite/read-target.ts'
import { VERDICTS } from './suite/verdicts.ts'

const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')

test('the target in the README is one, once its keys are put in', async (t) => {
  const { privateKey, publicKey } = await generateKeyTexts()
  const [, example = ''] = /```json\n([^]*?)```/.exec(readme) ?? []
  const keys = [privateKey, publicKey, privateKey, privateKey]
  const text = example.replaceAll('"…"', () => JSON.stringify(keys.shift()))
  t.equal(parseTarget(text, 'README.md').name, 'our servers 1.4')
})

test('the README explains every capability and every verdict', async (t) => {
  for (const word of [...CAPABILITIES, ...VERDICTS]) {
    t.match(readme, new RegExp(`^\\| \`${word}\` \\| `, 'm'))
  }
})
