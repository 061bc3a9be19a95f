// The five protocols as the checks of framing see them: who speaks first, and requests that every server answers
// without asking anybody else.
import type { Caller } from '../../players/caller.ts'
import type { Capability, CheckContext, Role } from '../../suite/case.ts'
import type { Target } from '../../suite/target.ts'
import {
  DNS01Request,
  DNS01Response,
  ERRORS,
  IssueInfo,
  IssueRequest,
  IssueResponse,
  ProofResponse,
  type MessageCodec,
} from '../../wire/index.ts'
import { findPlayedKey, goodProof, publicIpv4 } from '../issue/played-proofs.ts'
import { UNKNOWN_CRYPTO } from '../issue/request.ts'
import { freshName, randomValue, takeWriter } from '../dns01/writer.ts'
import { newCaller, type ProtocolName } from '../exchange.ts'

interface Common {
  readonly protocol: ProtocolName
  /** For people. */
  readonly name: string
  readonly role: Role
  readonly needs: readonly Capability[]
  readonly answers: MessageCodec<object>
  /** A peer that is listened to. */
  readonly caller: (context: CheckContext) => Promise<Caller>
}

/** The server writes its one answer as soon as a stream is open. */
export interface Speaker extends Common {
  readonly protocol: 'proof' | 'info'
}

/** The caller writes requests. */
export interface Listener extends Common {
  readonly protocol: 'issue' | 'dns01' | 'dns01Remove'
  /** Whether the caller is the peer that may set challenges. */
  readonly asWriter: boolean
  /** A request that is refused with this error, whoever sends it. */
  readonly refused: (target: Target) => Expected
  /** Requests with their errors, as different as can be had without disturbing anybody. */
  readonly series: (context: CheckContext, caller: Caller) => Promise<readonly Expected[]>
  /** Whether a message without any field is malformed. */
  readonly emptyIsMalformed: boolean
}

/** A request, and the error in its answer. */
export interface Expected {
  readonly request: Uint8Array
  readonly error: number
}

export const SPEAKERS: readonly Speaker[] = [
  {
    protocol: 'proof',
    name: 'proof',
    role: 'proof',
    needs: [],
    answers: ProofResponse,
    caller: (context) => newCaller(context),
  },
  {
    protocol: 'info',
    name: 'issue/info',
    role: 'issue',
    needs: [],
    answers: IssueInfo,
    caller: (context) => newCaller(context),
  },
]

const WITHOUT_PROOFS: Expected = {
  request: IssueRequest.encode({ proofs: [], supportedCryptos: [1] }),
  error: ERRORS.INVALID_PROOF,
}

/** Outside of every zone that is checked (RFC 6761). */
const FOREIGN_NAME = 'nodetrust.invalid'

export const LISTENERS: readonly Listener[] = [
  {
    protocol: 'issue',
    name: 'issue',
    role: 'issue',
    needs: [],
    answers: IssueResponse,
    asWriter: false,
    emptyIsMalformed: false,
    caller: (context) => newCaller(context),
    refused: () => WITHOUT_PROOFS,
    async series({ target, random }, { id }) {
      if (findPlayedKey(target) === undefined) return [WITHOUT_PROOFS, WITHOUT_PROOFS]
      const proof = await goodProof(target, { id, addresses: [publicIpv4({ random })] })
      const request = IssueRequest.encode({ proofs: [proof], supportedCryptos: [UNKNOWN_CRYPTO] })
      return [WITHOUT_PROOFS, { request, error: ERRORS.NO_MATCHING_CRYPTO }, WITHOUT_PROOFS]
    },
  },
  dns01('dns01', 'dns-01', ['dns-writer']),
  dns01('dns01Remove', 'dns-01/remove', ['dns-writer', 'dns01-remove']),
]

function dns01(
  protocol: 'dns01' | 'dns01Remove',
  name: string,
  needs: readonly Capability[],
): Listener {
  return {
    protocol,
    name,
    role: 'dns01',
    needs,
    answers: DNS01Response,
    asWriter: true,
    emptyIsMalformed: true,
    caller: takeWriter,
    refused: ({ zone }) => refusedBare(zone),
    series: async (context) => [
      carriedOut(context.target),
      {
        request: DNS01Request.encode({ fqdn: FOREIGN_NAME, value: randomValue() }),
        error: ERRORS.NOT_AUTHORIZED,
      },
      refusedBare(context.target.zone),
      carriedOut(context.target),
    ],
  }
}

/** A request that a DNS server carries out. */
export function carriedOut(target: Pick<Target, 'zone'>): Expected {
  return {
    request: DNS01Request.encode({ fqdn: freshName(target), value: randomValue() }),
    error: ERRORS.OK,
  }
}

function refusedBare(zone: string): Expected {
  return {
    request: DNS01Request.encode({ fqdn: `*.${zone}`, value: randomValue() }),
    error: ERRORS.OTHER,
  }
}
