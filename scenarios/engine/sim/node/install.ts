import { syncBuiltinESMExports } from 'node:module'
import { patchDgram } from './dgram.ts'
import { patchDns } from './dns.ts'
import { patchHttp } from './http.ts'
import { patchNet } from './net.ts'
import { Patches } from './patches.ts'
import { patchTls } from './tls.ts'

/**
 * Puts hosts on their virtual networks: `node:net`, `tls`, `http`, `https`, `dgram`, `dns` and all that stands on them.
 * Code that runs on no host keeps the real ones. Returns the way back.
 */
export function installNetwork(): () => void {
  const patches = new Patches()
  try {
    patchNet(patches)
    patchTls(patches)
    patchHttp(patches)
    patchDgram(patches)
    patchDns(patches)
    // Who has imported a function by its name gets the new one.
    syncBuiltinESMExports()
  } catch (error) {
    patches.undo()
    throw error
  }
  return () => {
    patches.undo()
    syncBuiltinESMExports()
  }
}
