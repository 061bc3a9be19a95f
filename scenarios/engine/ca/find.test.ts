// Which CA is taken: the decision table, and the refusals, without any process.
import { test } from 'tap'
import { dockerSockets } from './docker-engine.ts'
import { findWays, unavailableMessage } from './find.ts'
import type { MachineFacts } from './find.ts'
import { caOptionsFromEnvironment } from './index.ts'
import { pebbleConfiguration, pebbleEnvironment } from './pebble-configuration.ts'
import { checkAcmeUrl } from './url.ts'

const BARE: MachineFacts = {
  acmeUrl: undefined,
  pebbleBinary: undefined,
  pebbleOnPath: undefined,
  dockerSocket: undefined,
  aptGet: undefined,
  root: false,
  go: undefined,
}
const ALL: MachineFacts = {
  acmeUrl: 'https://ca.test/dir',
  pebbleBinary: '/opt/pebble',
  pebbleOnPath: '/usr/bin/pebble',
  dockerSocket: '/var/run/docker.sock',
  aptGet: '/usr/bin/apt-get',
  root: true,
  go: '/usr/bin/go',
}

test('the CA is looked for in a fixed order, and what a person named is not replaced', async (t) => {
  const { acmeUrl: _, ...noUrl } = ALL
  const unnamed = { ...ALL, acmeUrl: undefined, pebbleBinary: undefined }
  const cases: readonly [string, MachineFacts, readonly string[]][] = [
    ['everything', ALL, ['url']],
    ['no URL', { ...noUrl, acmeUrl: undefined }, ['PEBBLE_BIN']],
    ['nothing named', unnamed, ['path', 'container', 'apt', 'go']],
    ['no Pebble', { ...unnamed, pebbleOnPath: undefined }, ['container', 'apt', 'go']],
    ['Debian without root', { ...BARE, aptGet: '/usr/bin/apt-get', go: '/go' }, ['go']],
    ['root without apt-get', { ...BARE, root: true }, []],
    ['Docker only', { ...BARE, dockerSocket: '/s' }, ['container']],
    ['nothing', BARE, []],
  ]
  for (const [name, facts, wanted] of cases) {
    t.same(
      findWays(facts).map(({ kind }) => kind),
      wanted,
      name,
    )
  }
  t.same(findWays(ALL, 'container'), [
    { kind: 'container', socket: '/var/run/docker.sock', binary: '/opt/pebble' },
  ])
  t.same(findWays(BARE, 'apt'), [])
  t.same(findWays(BARE, 'built-in'), [{ kind: 'built-in' }], 'only where it is asked for')
  t.same(findWays(ALL, 'built-in'), [{ kind: 'built-in' }])
})

test('without a CA one line names the ways to get one', async (t) => {
  const message = unavailableMessage(BARE, [])
  t.match(message, /PEBBLE_BIN.*PATH.*Docker engine.*apt-get install pebble.*Go$/)
  t.notMatch(message, /\n|tried|--/, 'no option that the command may not have')
  t.match(unavailableMessage(BARE, [], ['give --acme URL']), /: give --acme URL, or set PEBBLE_BIN/)
  const failed = unavailableMessage(ALL, ['apt: exit 100\n  E: no network'])
  t.match(failed, /\(tried apt: exit 100 E: no network\): correct PEBBLE_BIN/)
  t.match(unavailableMessage({ ...BARE, aptGet: '/usr/bin/apt-get' }, []), /sudo apt-get install/)
})

test('a CA that may be a production one is refused unless its host is named', async (t) => {
  const accepted = [
    'https://127.0.0.1:14000/dir',
    'https://[::1]:14000/dir',
    'https://10.1.2.3/dir',
    'https://192.0.2.1/dir',
    'https://[2001:db8::1]/dir',
    'https://localhost/dir',
    'https://pebble:14000/dir',
    'https://ca.internal/acme/dir',
    'https://acme-staging-v02.api.letsencrypt.org/directory',
    'https://dv.acme-v02.test-api.pki.goog/directory',
  ]
  for (const url of accepted) t.equal(checkAcmeUrl(url).href, url)
  const refused = [
    'https://acme-v02.api.letsencrypt.org/directory',
    'https://acme.zerossl.com/v2/DV90',
    'https://dv.acme-v02.api.pki.goog/directory',
    'https://ca.contest.example.org/dir',
    'https://acme-staging.example.org/dir',
    'https://acme-staging-v02.api.letsencrypt.org.example.org/dir',
    'https://8.8.8.8/dir',
  ]
  for (const url of refused) {
    t.throws(() => checkAcmeUrl(url), /may be a production CA/, url)
    t.throws(() => checkAcmeUrl(url, 'other.example.org'), /may be a production CA/, url)
    t.equal(checkAcmeUrl(url, new URL(url).hostname).href, url)
  }
  t.throws(() => checkAcmeUrl('pebble'), /"pebble", wanted an https URL/)
  t.throws(() => checkAcmeUrl('http://127.0.0.1/dir'), /wanted an https URL/)
})

test('a Docker engine is looked for where DOCKER_HOST says, and nowhere else then', async (t) => {
  t.same(dockerSockets({ DOCKER_HOST: 'unix:///run/x.sock', HOME: '/h' }), ['/run/x.sock'])
  t.same(dockerSockets({ DOCKER_HOST: 'tcp://10.0.0.1:2375' }), [], 'it cannot reach our resolver')
  const usual = ['/var/run/docker.sock', '/r/docker.sock']
  if (process.platform !== 'win32') t.same(dockerSockets({ XDG_RUNTIME_DIR: '/r' }), usual)
})

test('what Pebble is told fits versions before and after profiles', async (t) => {
  const addresses = { host: '127.0.0.1', acmePort: 1, managementPort: 2 }
  const files = { certificate: '/c', privateKey: '/k' }
  const { pebble } = JSON.parse(
    pebbleConfiguration(addresses, files, { certificateValiditySeconds: 60 }),
  )
  t.match(pebble, {
    listenAddress: '127.0.0.1:1',
    managementListenAddress: '127.0.0.1:2',
    certificateValidityPeriod: 60,
    profiles: { default: { validityPeriod: 60 } },
  })
  t.notMatch(JSON.parse(pebbleConfiguration(addresses, files)).pebble, { profiles: {} })
  for (const seconds of [0, -1, 1.5, 157_766_401, Number.NaN]) {
    const wishes = { certificateValiditySeconds: seconds }
    t.throws(() => pebbleConfiguration(addresses, files, wishes), RangeError, `${seconds}`)
  }
  t.same(pebbleEnvironment({ PEBBLE_WFE_NONCEREJECT: '50' }), {
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_AUTHZREUSE: '0',
    PEBBLE_WFE_NONCEREJECT: '50',
  })
})

test('the environment gives the options of a launcher', async (t) => {
  const environment = { PEBBLE_BIN: '/opt/pebble', PATH: '/bin', PEBBLE_VA_NOSLEEP: '0' }
  const { setEnvironment, ...options } = caOptionsFromEnvironment(environment)
  t.same(options, { pebbleBinary: '/opt/pebble', path: '/bin', machineEnvironment: environment })
  setEnvironment?.('DOCKER_HOST', 'unix:///s')
  setEnvironment?.('DOCKER_HOST', 'unix:///other')
  t.match(environment, { DOCKER_HOST: 'unix:///s' }, 'what is set is left')
  t.notOk('pebbleBinary' in caOptionsFromEnvironment({ PEBBLE_BIN: '' }), 'empty is not named')
})
