import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { configSample } from './sample.ts'
import { ConfigError, loadConfig, ROLES } from './index.ts'
import { generateKey, writePrivateFile } from '../keys.ts'

// For tests only: configurations that can be started on any machine.

/**
 * Writes a configuration and its keys into a folder: every role on free ports of 127.0.0.1, and a CA that is not
 * there. `edit` changes the text.
 * @returns the configuration's path.
 */
export async function writeLoopbackConfig(
  folder: string,
  edit: (text: string) => string = (text) => text,
): Promise<string> {
  const { text, keyFiles } = configSample({
    zone: 'nt.example.org',
    roles: ROLES,
    agreeToTerms: true,
  })
  for (const name of keyFiles) {
    await writePrivateFile(join(folder, name), (await generateKey()).text, { force: true })
  }
  const file = join(folder, 'nodetrust.yaml')
  writeFileSync(file, edit(onLoopback(text)))
  return file
}

/** The sample's addresses and ports are for a machine of its own. */
export function onLoopback(text: string): string {
  return (
    text
      .replaceAll(/ {4}- \/ip6\/.*\n/g, '')
      .replace("    - address: '::'\n      port: 53\n", '')
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replaceAll(/tcp\/400\d$/gm, 'tcp/0')
      .replaceAll('port: 53\n', 'port: 0\n')
      // Port 9 is discard's: nothing answers there.
      .replace('directoryUrl: letsencrypt-staging', 'directoryUrl: https://127.0.0.1:9/directory')
      .replace('allowPrivateAddresses: false', 'allowPrivateAddresses: true')
  )
}

/** The sample for every role, as `config init` writes it. */
export const example = readFileSync(
  join(import.meta.dirname, '../../fixtures/config/example.yaml'),
  'utf8',
)

/** A folder with the keys that the sample names. */
export async function folder(t: Test): Promise<string> {
  const path = t.testdir({})
  const { keyFiles } = configSample({ zone: 'nt.example.org', roles: ROLES })
  for (const name of keyFiles) await writePrivateFile(join(path, name), (await generateKey()).text)
  return path
}

/** The lines of what is wrong with a configuration, without the file's name. */
export async function problemsOf(path: string, text: string): Promise<string[]> {
  const file = join(path, 'nodetrust.yaml')
  writeFileSync(file, text)
  try {
    await loadConfig(file)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) =>
      line
        .trim()
        .replaceAll(path, 'FOLDER')
        .replaceAll('FOLDER/', '')
        .replace('nodetrust.yaml', ''),
    )
  }
}

/** The example with something else in it. */
export function replaced(from: string | RegExp, to: string, text = example): string {
  const result = text.replace(from, to)
  if (result === text) throw new Error(`the example has no ${String(from)}`)
  return result
}
