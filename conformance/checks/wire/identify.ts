// What servers say of themselves through identify, and what they do when something else is asked of them.
import type { Case, CheckContext, Role } from '../../suite/case.ts'
import { openStream, PROTOCOLS, type Tap } from '../../wire/index.ts'
import { send } from '../by-hand.ts'
import {
  ANSWER_MS_MAX,
  connectIdentified,
  fail,
  needAddress,
  newCaller,
  tapOf,
  type ProtocolName,
  type ServerRole,
} from '../exchange.ts'

const SERVED: Readonly<Record<ServerRole, readonly ProtocolName[]>> = {
  proof: ['proof'],
  issue: ['info', 'issue'],
  dns01: ['dns01'],
}
const UNKNOWN_PROTOCOL = '/p2p/nodetrust/conformance/0.0.0'

export const IDENTIFY_CASES: readonly Case[] = (['proof', 'issue', 'dns01'] as const).flatMap(
  (role): readonly Case[] => [
    {
      id: `NT-WIRE-013/${role}-advertised`,
      title: 'identify lists the protocols that the server serves, and none that it does not',
      role: role satisfies Role,
      byHand: (target) =>
        send(target, {
          protocol: SERVED[role][0] ?? role,
          shows: `in the line "identify" ${SERVED[role].map((name) => PROTOCOLS[name]).join(' and ')}, and nothing of /p2p/nodetrust/ that is not served`,
        }),
      run: (context) => advertised(context, role),
    },
    {
      id: `NT-WIRE-013/${role}-unknown-protocol`,
      title: 'a protocol that is not served is refused when the stream is negotiated',
      role: role satisfies Role,
      byHand: (target) =>
        send(target, {
          protocol: SERVED[role][0] ?? role,
          protocolId: UNKNOWN_PROTOCOL,
          shows: 'that the protocol is not served there',
        }),
      run: (context) => unknownProtocol(context, role),
    },
  ],
)

async function advertised(context: CheckContext, role: ServerRole): Promise<void> {
  const caller = await newCaller(context)
  const address = needAddress(context.target, role)
  const { connection, protocols } = await connectIdentified(context, caller, address)
  for (const name of SERVED[role]) {
    if (!protocols.includes(PROTOCOLS[name])) {
      fail(`${PROTOCOLS[name]} among the protocols that identify lists`, protocols.join(', '))
    }
  }
  for (const protocol of protocols.filter((id) => id.startsWith('/p2p/nodetrust/'))) {
    const tap = tapOf(context, { caller, connection, protocol })
    try {
      const stream = await openStream(connection, protocol, { signal: soon(context), tap })
      stream.reset()
    } catch (error) {
      context.signal.throwIfAborted()
      refused(tap, error)
      fail(
        `the protocol ${protocol}, which identify lists, to be served`,
        `${(error as Error).name}: ${(error as Error).message}`,
      )
    }
  }
}

async function unknownProtocol(context: CheckContext, role: ServerRole): Promise<void> {
  const caller = await newCaller(context)
  const { signal } = context
  const connection = await caller.connect(needAddress(context.target, role), { signal })
  const tap = tapOf(context, { caller, connection, protocol: UNKNOWN_PROTOCOL })
  try {
    const stream = await openStream(connection, UNKNOWN_PROTOCOL, { signal: soon(context), tap })
    // libp2p may answer the negotiation only with the first bytes.
    stream.send(Uint8Array.of(0))
    const { end } = await stream.rest(soon(context))
    signal.throwIfAborted()
    if (end !== 'reset') fail('that an unknown protocol is refused', 'that a stream was opened')
  } catch (error) {
    if ((error as Error).name !== 'UnsupportedProtocolError') throw error
    refused(tap, error)
  }
}

/** No stream came of it: libp2p says how. */
function refused(tap: Tap, error: unknown): void {
  const note = `no stream: ${(error as Error).name}`
  tap({ direction: 'received', bytes: new Uint8Array(0), note })
}

function soon({ signal }: CheckContext): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)])
}
