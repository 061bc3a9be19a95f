import { addressChange } from './address-change.ts'
import { allProofServersFail } from './all-proof-servers-fail.ts'
import { behindNat } from './behind-nat.ts'
import { browser } from './browser.ts'
import { caDownMidOrder } from './ca-down-mid-order.ts'
import { caLostItsState } from './ca-lost-its-state.ts'
import { caOverloaded } from './ca-overloaded.ts'
import { caRejectsNonces } from './ca-rejects-nonces.ts'
import { caSlow } from './ca-slow.ts'
import { dnsServerDown } from './dns-server-down.ts'
import { dnsServerReturns } from './dns-server-returns.ts'
import { earlyRenewal } from './early-renewal.ts'
import { expiredProof } from './expired-proof.ts'
import { failingProofServer } from './failing-proof-server.ts'
import { flashCrowd } from './flash-crowd.ts'
import { forgedProof } from './forged-proof.ts'
import { happyPath } from './happy-path.ts'
import { ipv6 } from './ipv6.ts'
import { issueServerKilled } from './issue-server-killed.ts'
import { legacyClient } from './legacy-client.ts'
import { noCommonCrypto } from './no-common-crypto.ts'
import { renewal } from './renewal.ts'
import { rateLimited } from './rate-limited.ts'
import { stolenProof } from './stolen-proof.ts'
import { unauthorisedWriter } from './unauthorised-writer.ts'
import type { Scenario } from './engine/scenario.ts'

/** All scenarios, in the order in which a newcomer reads them. */
export const scenarios: readonly Scenario[] = [
  happyPath,
  browser,
  failingProofServer,
  allProofServersFail,
  forgedProof,
  stolenProof,
  expiredProof,
  noCommonCrypto,
  legacyClient,
  ipv6,
  dnsServerDown,
  dnsServerReturns,
  unauthorisedWriter,
  caDownMidOrder,
  caRejectsNonces,
  caLostItsState,
  caOverloaded,
  caSlow,
  rateLimited,
  issueServerKilled,
  renewal,
  earlyRenewal,
  addressChange,
  behindNat,
  flashCrowd,
]
