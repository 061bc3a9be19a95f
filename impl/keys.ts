import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { constants, link, open, rename, rm, type FileHandle } from 'node:fs/promises'

/** A private file that was read, and whether its mode is what it should be. */
export interface PrivateText {
  readonly text: string
  /** What to tell the operator; absent when only the owner can read the file. */
  readonly warning?: string
}

/** A key from a file, likewise. */
export interface KeyFile {
  readonly key: PrivateKey
  readonly warning?: string
}

/** An RSA-4096 key takes 3.2 kB in base64; a device or a log given by mistake must not fill the memory. */
const KEY_FILE_LENGTH_MAX = 16 * 1024
/** Read or write by group or others. */
const OTHERS_MODE = 0o066

/**
 * Reads a libp2p private key: its protobuf in base64, as 2018's configurations held it.
 * @throws {Error} saying what was wanted; never with anything of the file's content.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const { text, ...rest } = await readPrivateFile(path)
  const key = parseKey(text)
  if (key === undefined) {
    throw new Error(`file "${path}" holds no libp2p private key as base64 of its protobuf`)
  }
  return { key, ...rest }
}

/** Reads a small file that holds a secret. */
export async function readPrivateFile(path: string): Promise<PrivateText> {
  let file: FileHandle
  try {
    // A pipe without a writer would keep us for ever; that it is no file is looked at below.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw fileError(path, cause)
  }
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new Error(`"${path}" is no regular file`)
    if (found.size > KEY_FILE_LENGTH_MAX) {
      throw new Error(
        `file "${path}" has ${found.size} bytes, a key has at most ${KEY_FILE_LENGTH_MAX}`,
      )
    }
    const text = await file.readFile('utf8')
    const others = found.mode & OTHERS_MODE
    // Windows has no such modes and reports 0o666 for every file.
    if (others === 0 || process.platform === 'win32') return { text }
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    return { text, warning: `others can read or write "${path}" (mode ${mode}): chmod 600 it` }
  } catch (error) {
    throw isSystemError(error) ? fileError(path, error) : error
  } finally {
    await file.close()
  }
}

/**
 * Writes a new file that only its owner can read. What is there is replaced whole or, without `force`, not at all.
 * @throws {Error} when the file exists and `force` is false.
 */
export async function writePrivateFile(
  path: string,
  text: string,
  { force = false }: { readonly force?: boolean } = {},
): Promise<void> {
  // A crash or a full disk in the middle must not leave half a key, nor lose the one that was there.
  const whole = `${path}.new`
  try {
    await rm(whole, { force: true })
    const file = await open(whole, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (force) await rename(whole, path)
    else await renameNew(whole, path)
  } catch (cause) {
    await rm(whole, { force: true }).catch(() => {})
    throw isSystemError(cause) ? fileError(path, cause) : cause
  }
}

/** Renames a file unless there is one of that name, which rename itself would replace. */
async function renameNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
    await rm(from)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    // Such a file system cannot do better than to look first.
    await (await open(to, 'wx', 0o600)).close()
    await rename(from, to)
  }
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** A new Ed25519 key, and its text for a key file. */
export async function generateKey(): Promise<{ key: PrivateKey; text: string }> {
  const key = await generateKeyPair('Ed25519')
  return { key, text: `${Buffer.from(privateKeyToProtobuf(key)).toString('base64')}\n` }
}

/** The private key in a key file's text. */
export function parseKey(text: string): PrivateKey | undefined {
  const bytes = decodeBase64(text)
  if (bytes === undefined) return undefined
  try {
    return privateKeyFromProtobuf(bytes)
  } catch {
    return undefined
  }
}

/** Strict: Buffer.from skips what is no base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const trimmed = text.trim()
  return /^[A-Za-z0-9+/]+={0,2}$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : undefined
}

/** What the system said of a file, in a sentence. `cause` is the system's error. */
export function fileError(path: string, cause: unknown): Error {
  const code = isSystemError(cause) ? cause.code : undefined
  const what = FILE_ERRORS[code ?? ''] ?? `cannot be used (${code ?? String(cause)})`
  return new Error(`file "${path}" ${what}`, { cause })
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be used by this user (EACCES)',
  EISDIR: 'is a folder',
  EEXIST: 'exists already',
  ENOSPC: 'cannot be written: the disk is full (ENOSPC)',
  EROFS: 'cannot be written: its disk is read-only (EROFS)',
  ENOTDIR: 'lies beneath something that is no folder',
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}
