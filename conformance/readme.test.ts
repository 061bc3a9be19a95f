import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import packageJson from '../package.json' with { type: 'json' }
import { isKeyOf } from './checks/client/outcome.ts'
import { openPlayedCa, spki } from './players/certificate-authority.ts'
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

test('the Pebble in the README has an HTTPS certificate for the address that it is asked at, which is trusted', (t) => {
  const word = (pattern: RegExp): string => pattern.exec(readme)?.[1] ?? `none of ${pattern}`
  t.equal(word(/openssl req .*subjectAltName=IP:(\S+)/), word(/--acme https:\/\/(\S+):14000/))
  const made = word(/openssl req .* -out (\S+)/)
  t.equal(made, word(/"certificate": "(.*?)"/))
  t.equal(made, word(/curl --cacert (\S+)/))
  t.equal(made, word(/--acme-ca (\S+) --acme-root/))
  t.equal(word(/openssl req .* -keyout (\S+)/), word(/"privateKey": "([^…]*?)"/))
  t.end()
})

test('keys of clients are read in each form that their README names', async (t) => {
  const text = readFileSync(join(import.meta.dirname, 'client/README.md'), 'utf8')
  const forms = [...text.matchAll(/`BEGIN ([A-Z ]+)`/g)].map(([, form]) => form)
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keys = [
    [ec, 'pkcs8'],
    [rsa, 'pkcs1'],
    [ec, 'sec1'],
  ] as const
  const ca = openPlayedCa()
  for (const [index, [key, type]] of keys.entries()) {
    const pem = key.export({ type, format: 'pem' }).toString()
    t.match(pem, `-----BEGIN ${forms[index]}-----`)
    const { leaf } = ca.issue({ names: ['nt.example'], publicKey: spki(createPublicKey(key)) })
    t.ok(isKeyOf(new X509Certificate(leaf), pem), type)
    t.notOk(isKeyOf(new X509Certificate(ca.root), pem), `${type}, of another`)
  }
  t.equal(forms.length, keys.length)
})

test('the README explains every capability and every verdict', async (t) => {
  for (const word of [...CAPABILITIES, ...VERDICTS]) {
    t.match(readme, new RegExp(`^\\| \`${word}\` \\| `, 'm'))
  }
})

test('the README says of each test with real processes what it runs, and where the whole is', async (t) => {
  const files = globSync('**/*.real.test.ts', { cwd: import.meta.dirname })
  t.ok(files.length > 3)
  for (const file of files) t.match(readme, new RegExp(`^\\| \`${RegExp.escape(file)}\` \\|`, 'm'))
  const { scripts } = packageJson
  for (const [, name = ''] of readme.matchAll(/npm run (?:--silent )?([a-z]+)/g)) {
    t.ok(name in scripts, `npm run ${name}`)
  }
})
