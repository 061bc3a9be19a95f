import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { runTool } from './daemon.ts'
import { PROGRAM } from './servers.ts'

export interface IssuanceInit {
  readonly issueServer: string
  /** Gets the key and the PEM files; a folder with a key asks again as the same peer. */
  readonly folder: string
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
}

export type Issuance = (
  | { readonly names: readonly string[]; readonly serial: string }
  /** What the client printed. */
  | { readonly failure: string }
) & { readonly ms: number; readonly tries: number }

/** Obtains a certificate as a node does: `nodetrust cert` with proofs, an order, and challenges that the CA looks up. */
export async function obtainCertificate(init: IssuanceInit): Promise<Issuance> {
  await mkdir(init.folder, { recursive: true })
  const startedMs = performance.now()
  const { code, stderr } = await runTool(
    process.execPath,
    [
      PROGRAM,
      'cert',
      `--issue-server=${init.issueServer}`,
      `--out=${init.folder}`,
      `--timeout=${init.timeoutSeconds}`,
      '--json',
    ],
    { signal: init.signal },
  )
  const ms = Math.round(performance.now() - startedMs)
  if (code !== 0) return { failure: stderr.trim().split('\n').slice(-3).join(' | '), ms, tries: 1 }
  const pem = await readFile(join(init.folder, 'certificate.pem'), 'utf8')
  const { subjectAltName = '', serialNumber } = new X509Certificate(pem)
  return {
    names: subjectAltName.split(', ').map((name) => name.replace(/^DNS:/, '')),
    serial: serialNumber,
    ms,
    tries: 1,
  }
}
