import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configSample } from './sample.ts'
import { ROLES } from './index.ts'
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
