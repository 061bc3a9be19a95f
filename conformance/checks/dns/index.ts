// What a DNS server of a zone must do: names and records (NT-DNS-010 to 032), and how it behaves as a server that
// resolvers of public CAs ask (NT-DNS-040 and following).
import type { Case } from '../../suite/case.ts'
import { ADDRESS_NAME_CASES } from './address-names.ts'
import { APEX_CASES } from './apex.ts'
import { CHALLENGE_CASES } from './challenges.ts'
import { EDNS_CASES } from './edns.ts'
import { HEADER_CASES } from './headers.ts'
import { ID0_NAME_CASES } from './id0-names.ts'
import { MALFORMED_CASES } from './malformed.ts'
import { NEGATIVE_CASES } from './negative.ts'
import { SIZE_CASES } from './sizes.ts'
import { TCP_CASES } from './tcp.ts'

export const CASES: readonly Case[] = [
  ...ADDRESS_NAME_CASES,
  ...ID0_NAME_CASES,
  ...NEGATIVE_CASES,
  ...APEX_CASES,
  ...CHALLENGE_CASES,
  ...HEADER_CASES,
  ...MALFORMED_CASES,
  ...EDNS_CASES,
  ...SIZE_CASES,
  ...TCP_CASES,
]
