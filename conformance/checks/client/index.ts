import type { Case } from '../../suite/case.ts'
import { INFO_CASES } from './info.ts'

/** Checks of clients: `nodetrust-conformance client` runs them. */
export const CASES: readonly Case[] = [...INFO_CASES]
