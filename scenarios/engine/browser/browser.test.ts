// What of the browser's room needs no browser: finding one, and the page's own reading of announcements.
import { multiaddr } from '@multiformats/multiaddr'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { wire } from '../../../impl/index.ts'
import { findAptGet } from '../machine/apt.ts'
import { findBrowser, unavailableMessage } from './find.ts'
import { readAnnouncement } from './page/announcement.ts'

const signal = new AbortController().signal
const ID = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'

/** A folder of programs, each a shell script. */
async function programs(t: Test, scripts: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-programs-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder, name), 0o755)
  }
  return folder
}

test('NT-DISC-001 the page reads announcements as the wire writes them, and nothing else', async (t) => {
  const addresses = Array.from({ length: 16 }, (_, index) =>
    multiaddr(`/dns4/ip4203-0-113-${index}.nt.example/tcp/${4_000 + index}/tls/ws/p2p/${ID}`),
  )
  for (const count of [0, 1, 2, 16]) {
    const addr = addresses.slice(0, count).map(({ bytes }) => bytes)
    t.same(
      readAnnouncement(wire.Announce.encode({ addr })).map(String),
      addresses.slice(0, count).map(String),
      `${count} addresses`,
    )
  }
  // Longer than 127 bytes: its length takes two.
  const long = multiaddr(`/dns4/${'a'.repeat(60)}.${'b'.repeat(60)}.example/tcp/1/tls/ws/p2p/${ID}`)
  const [read] = readAnnouncement(wire.Announce.encode({ addr: [long.bytes] }))
  t.equal(String(read), String(long))
  const many = wire.Announce.encode({ addr: Array.from({ length: 99 }, () => long.bytes) })
  t.equal(readAnnouncement(many).length, 16, 'NT-DISC-008')

  const whole = wire.Announce.encode({ addr: [long.bytes] })
  const broken: readonly (readonly [string, Uint8Array])[] = [
    ['cut in the address', whole.subarray(0, -1)],
    ['cut in the length', whole.subarray(0, 2)],
    ['cut before the length', whole.subarray(0, 1)],
    ['another field', Uint8Array.of(0x12, 0)],
    ['a length of five bytes', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x01)],
  ]
  for (const [name, bytes] of broken) t.throws(() => readAnnouncement(bytes), RangeError, name)
  t.throws(() => readAnnouncement(Uint8Array.of(0x0a, 1, 0xff)), 'an address that is none')
})

test('without a browser one line says what is missing and how to get it', async (t) => {
  const both = unavailableMessage(['chromium', 'libnss3-tools'])
  t.match(both, /sudo apt-get install chromium libnss3-tools.*CHROMIUM_BIN.*PATH.*nss-tools/)
  t.notMatch(both, /\n|tried/)
  t.notMatch(unavailableMessage(['libnss3-tools']), /CHROMIUM_BIN/)
  t.notMatch(unavailableMessage(['chromium']), /nss-tools/)
  t.match(
    unavailableMessage(['chromium'], 'exit 100\n  E: no'),
    /\(tried apt-get: exit 100 E: no\)/,
  )
})

test('a browser is the one that was named, or the first on PATH with certutil', async (t) => {
  const path = await programs(t, {
    chromium: 'echo Chromium 156.0.1.2 built on Debian',
    'google-chrome': 'echo Google Chrome 155.0.0.1',
    certutil: 'exit 0',
    silent: 'exit 1',
    other: 'echo Firefox 145.0',
    cold: 'sleep 6; echo Chromium 156.0.1.3',
  })
  t.match(await findBrowser({ path, signal }), {
    chromium: join(path, 'chromium'),
    certutil: join(path, 'certutil'),
    description: /^Chromium 156\.0\.1\.2 /,
  })
  const named = (program: string): Promise<unknown> =>
    findBrowser({ path, signal, machineEnvironment: { CHROMIUM_BIN: join(path, program) } })
  t.match(await named('google-chrome'), { description: /^Google Chrome 155\.0\.0\.1 / })
  await t.rejects(named('none'), { name: 'BrowserUnavailableError', message: /none".*executable/ })
  await t.rejects(named('silent'), {
    name: 'BrowserUnavailableError',
    message: /no Chromium or Chrome that starts here \(--version said nothing within 60 s\)/,
  })
  await t.rejects(named('other'), { message: /\(--version said "Firefox 145\.0"\)/ })
  const description = /^Chromium 156\.0\.1\.3 /
  t.match(await named('cold'), { description }, 'one that is slow on a cold disk is a browser too')
})

test('root on Debian gets what is missing by apt-get, anybody else is told how', async (t) => {
  const path = await programs(t, {
    'apt-get': `
folder=$(dirname "$0")
for word; do
  case $word in
    chromium) printf '#!/bin/sh\\necho Chromium 1.2.3\\n' > "$folder/chromium"; chmod +x "$folder/chromium" ;;
    libnss3-tools) printf '#!/bin/sh\\n' > "$folder/certutil"; chmod +x "$folder/certutil" ;;
  esac
done`,
  })
  const said: string[] = []
  const finding = findBrowser({ path, signal, report: (line) => said.push(line) })
  const may = process.getuid?.() === 0 && (await findAptGet(path)) !== undefined
  if (!may) {
    await t.rejects(finding, { name: 'BrowserUnavailableError', message: /sudo apt-get install/ })
    return
  }
  t.match(await finding, { chromium: join(path, 'chromium'), certutil: join(path, 'certutil') })
  t.match(said, [/apt-get install chromium libnss3-tools/])
})

test('what apt-get says is told when it fails', async (t) => {
  const path = await programs(t, { 'apt-get': 'echo E: no network >&2; exit 100' })
  const may = process.getuid?.() === 0 && (await findAptGet(path)) !== undefined
  await t.rejects(findBrowser({ path, signal }), {
    name: 'BrowserUnavailableError',
    message: may ? /missing \(tried apt-get: .*E: no network\): run/ : /missing: run/,
  })
})
