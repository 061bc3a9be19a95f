// Opens the CA of one way.
import type { AcmeCa, AcmeCaKind, AcmeCaOptions } from './acme-ca.ts'
import type { Way } from './find.ts'
import { installByApt, installByGo } from './install.ts'
import { pebbleVersion } from './machine.ts'
import { PebbleProcess } from './pebble-process.ts'
import { openPebbleServer } from './pebble-server.ts'
import { openUrl } from './url.ts'

export async function openWay(way: Way, options: AcmeCaOptions): Promise<AcmeCa> {
  switch (way.kind) {
    case 'url':
      return await openUrl(way.url, options)
    case 'PEBBLE_BIN':
      return await openBinary(way.kind, 'PEBBLE_BIN', way.binary, options)
    case 'path':
      return await openBinary(way.kind, 'PATH', way.binary, options)
    case 'container': {
      // testcontainers takes 0.3 s to load: only who starts a container pays for it.
      const { openContainer } = await import('./container.ts')
      return await openContainer(way, options)
    }
    case 'apt':
      return await openBinary(way.kind, 'apt-get', await installByApt(way.aptGet, options), options)
    case 'built-in': {
      const { openBuiltIn } = await import('./built-in/index.ts')
      return await openBuiltIn(options)
    }
    case 'go':
      return await openBinary(way.kind, 'go install', await installByGo(way.go, options), options)
  }
}

async function openBinary(
  kind: AcmeCaKind,
  from: string,
  binary: string,
  options: AcmeCaOptions,
): Promise<AcmeCa> {
  const description = `Pebble ${await pebbleVersion(binary)} from ${from} (${binary})`
  return await openPebbleServer(
    { kind, description },
    options,
    (launch) => new PebbleProcess(binary, launch),
  )
}
