// Names and certificate signing requests as conformance/vectors have them.
import { test } from 'tap'
import { vectorGroups } from '../../conformance/vectors/files.ts'
import { errorCode } from '../wire/errors.ts'
import { checkCsr } from './csr.ts'
import { refusedNames } from './names.ts'

test('NT-ISSUE-026 certified_names: names are refused as the vectors say', async (t) => {
  for (const { tcId, comment, flags, names, result } of vectorGroups('certified_names').flatMap(
    ({ tests }) => tests,
  )) {
    const reason = refusedNames(names)
    const name = `certified_names ${tcId} ${flags.join()} ${JSON.stringify(comment)}: ${reason}`
    t.equal(reason === undefined, result === 'valid', name)
  }
})

test('NT-ISSUE-040 … 043 csr: requests are judged as the vectors say', async (t) => {
  for (const vector of vectorGroups('csr').flatMap(({ tests }) => tests)) {
    const { error, cryptoType, reason } = judge(vector.csrHex, vector.names)
    const name = `csr ${vector.tcId} ${vector.req} ${vector.flags.join()} ${vector.comment}: ${reason}`
    t.equal(error, vector.error, name)
    t.equal(cryptoType, vector.cryptoType, `${name}, key type`)
  }
})

function judge(
  csrHex: string,
  names: readonly string[],
): { readonly error: number; readonly cryptoType: number | null; readonly reason: string } {
  try {
    const { cryptoType } = checkCsr(Buffer.from(csrHex, 'hex'), { names })
    return { error: 0, cryptoType, reason: '' }
  } catch (error) {
    return { error: errorCode(error), cryptoType: null, reason: String(error) }
  }
}
