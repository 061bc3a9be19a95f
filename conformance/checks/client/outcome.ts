// What became of a client that should have obtained one certificate: judged by the files that it wrote.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { CheckContext } from '../../suite/case.ts'
import { errorCode, readBounded } from '../../suite/files.ts'
import { OUT_FILES } from '../../client/environment.ts'
import type { Play } from '../../client/play.ts'
import { id0Name, type IssueRequest } from '../../wire/index.ts'
import { fail } from '../exchange.ts'
import { endText, wait } from './define.ts'

/** It is told when it has to be done; this is for a machine that is busy. */
const GRACE_MS = 10_000

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Waits for the end of a client that makes one attempt. */
export async function ended(play: Play, context: CheckContext): Promise<void> {
  await wait(play, context, () => (play.client.exit === undefined ? undefined : true), {
    expected: `an end of the client within NT_TIMEOUT, ${play.init.timeoutSeconds} s`,
    withinMs: play.init.timeoutSeconds * 1_000 + GRACE_MS,
    evenAfterExit: true,
  })
}

/** Fails unless the client has obtained a certificate and wrote it with the key that it is for. */
export async function expectCertificate(
  play: Play,
  context: CheckContext,
  why: string,
): Promise<X509Certificate> {
  await ended(play, context)
  const wanted = `a certificate in ${OUT_FILES.certificate} ${why}`
  const pem = await outFile(play, OUT_FILES.certificate)
  const error = await outFile(play, OUT_FILES.error)
  if (pem === undefined) return fail(wanted, `none: ${error?.trim() ?? (await endText(play))}`)
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(pem.match(PEM)?.[0] ?? '')
  } catch (cause) {
    return fail(wanted, `a file that is none (${(cause as Error).message})`)
  }
  const callerId = play.eventsOf('request').at(-1)?.callerId
  if (callerId === undefined) return fail('a request for it', 'none')
  const idName = id0Name(callerId, play.init.zone)
  if (leaf.checkHost(idName) === undefined) {
    fail(`a certificate for the client's own name ${idName}`, `one for ${leaf.subjectAltName}`)
  }
  const key = await outFile(play, OUT_FILES.key)
  if (key === undefined) return fail(`its key in ${OUT_FILES.key}`, 'no such file')
  let fits: boolean
  try {
    fits = isKeyOf(leaf, key)
  } catch (cause) {
    return fail(`a private key in PEM in ${OUT_FILES.key}`, (cause as Error).message)
  }
  if (!fits) fail(`the key of the certificate in ${OUT_FILES.key}`, 'another key')
  return leaf
}

/**
 * Whether a certificate is for a private key: PEM, in any form that `../../client/README.md` names.
 * @throws {Error} where it is none
 */
export function isKeyOf(leaf: X509Certificate, pem: string): boolean {
  return leaf.checkPrivateKey(createPrivateKey(pem))
}

/** Fails unless the client has failed, and kept nothing. Returns what it says of it. */
export async function expectFailure(
  play: Play,
  context: CheckContext,
  why: string,
): Promise<string> {
  await ended(play, context)
  if ((await outFile(play, OUT_FILES.certificate)) !== undefined) {
    fail(`a failure of the client: ${why}`, `that it wrote ${OUT_FILES.certificate}`)
  }
  const { exit } = play.client
  if (exit === undefined || !('code' in exit) || exit.code === 0) {
    fail(
      `a failure of the client, with exit 1: ${why}`,
      `no certificate, and ${await endText(play)}`,
    )
  }
  return (await outFile(play, OUT_FILES.error)) ?? ''
}

/** The one request that the client made. A client that asks for nothing cannot be judged by what it did then. */
export function onlyRequest(play: Play): IssueRequest {
  const [nonsense] = play.eventsOf('nonsense')
  if (nonsense !== undefined) {
    fail('an IssueRequest', `bytes that are none: ${Buffer.from(nonsense.bytes).toString('hex')}`)
  }
  const [first] = play.eventsOf('request')
  return first?.request ?? fail('a request to the issue server', 'none')
}

/** Keys, chains and lists of peers are far shorter. */
const FILE_BYTES_MAX = 1024 * 1024

/** A whole file that the client wrote; undefined where there is none, or nothing in it. Fails where it is something else. */
export async function outFile(play: Play, name: string): Promise<string | undefined> {
  const wanted = `a regular file ${name} of at most ${FILE_BYTES_MAX} bytes, or none`
  const found = await readBounded(join(play.outFolder, name), FILE_BYTES_MAX).catch(
    (error: unknown) => {
      const code = errorCode(error)
      return code === 'ENOENT' ? undefined : fail(wanted, `what cannot be read (${code})`)
    },
  )
  if (found === 'irregular') return fail(wanted, 'a folder, a pipe, a socket or a device')
  if (found === 'too long') return fail(wanted, 'a longer one')
  const text = found?.toString('utf8') ?? ''
  return text.trim() === '' ? undefined : text
}
