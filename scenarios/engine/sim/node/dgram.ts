// `node:dgram`: a socket of a host gets a handle of ours when it is bound, which every other use of it asks for first.
import type { Socket } from 'node:dgram'
import { isVirtual } from './hosts.ts'
import { prototypes, symbols } from './internals.ts'
import type { Patches } from './patches.ts'
import { UdpHandle } from './udp-handle.ts'

interface NodeHandle {
  readonly lookup: unknown
  hasRef(): boolean
  close(): void
}

interface UdpState {
  handle: UdpHandle | NodeHandle | null
}

type VirtualSocket = Socket & { readonly type: 'udp4' | 'udp6' } & Record<symbol, unknown>

export function patchDgram(patches: Patches): void {
  for (const name of ['bind', 'bindSync']) {
    if (!Object.hasOwn(prototypes.udpSocket, name)) continue
    patches.method(prototypes.udpSocket, name, (original) => {
      return function bind(this: VirtualSocket, ...given: unknown[]) {
        if (isVirtual()) virtualize(this)
        return original.apply(this, given)
      }
    })
  }
}

function virtualize(socket: VirtualSocket): void {
  const state = socket[symbols.udpState] as UdpState
  const old = state.handle
  if (old === null || old instanceof UdpHandle) return
  const handle = new UdpHandle(socket.type)
  handle.lookup = old.lookup
  if (!old.hasRef()) handle.unref()
  Object.assign(handle, { [symbols.owner]: socket })
  state.handle = handle
  old.close()
}
