import type { Listener, Transport } from '@libp2p/interface'
import type { Place, TransportComponents } from './driver.ts'

/** A transport that ends at once with `life`: it neither dials nor listens any more, and says goodbye to nobody. */
export function mortal(make: Place['transport'], life: AbortSignal): Place['transport'] {
  return (components: TransportComponents): Transport => {
    const transport = make(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      async dial(...[to, options]: Parameters<Transport['dial']>) {
        life.throwIfAborted()
        const signal = AbortSignal.any([
          life,
          ...(options.signal === undefined ? [] : [options.signal]),
        ])
        return dial(to, { ...options, signal })
      },
      createListener(options: Parameters<Transport['createListener']>[0]): Listener {
        const listener = createListener(options)
        life.addEventListener('abort', () => void listener.close().catch(() => {}), { once: true })
        return listener
      },
    })
  }
}
