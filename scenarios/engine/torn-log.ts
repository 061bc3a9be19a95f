import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { endianness } from 'node:os'

/** https://www.sqlite.org/walformat.html: what stands before the frames of a log, and before the page in each. */
const LOG_HEADER_LENGTH = 32
const FRAME_HEADER_LENGTH = 24
/** Where the index of a log (-shm) has the length of a page, the last frame, and the last one that is in the file. */
const PAGE_LENGTH_AT = 14
const LAST_FRAME_AT = 16
const MOVED_FRAME_AT = 96
/** A page of 65536 bytes, which 16 bits cannot say. */
const LONGEST_PAGE = { said: 1, length: 65_536 }
/** What a system keeps back of a file, at most: about as much as an order of a certificate writes. */
const LOST_FRAMES_MAX = 16

/**
 * Cuts off the log of a store where the system was when the power failed, which can be in the middle of a frame. With
 * synchronous=NORMAL, SQLite forces a log to the disk only when it moves it into the file: what came after that can be
 * lost, but nothing of it without what is younger. A log that has been moved stays: the file has it already.
 *
 * @param storePath of a store that is open: its index is read too
 * @param logPath the log to cut, which is that of the store, or a copy of it
 * @param lostShare how much of what can be lost is, from 0 (a byte) to 1
 */
export function tearLog(
  storePath: string,
  { logPath, lostShare }: { readonly logPath: string; readonly lostShare: number },
): void {
  const indexPath = `${storePath}-shm`
  // A store that is closed has moved all of it.
  if (!existsSync(indexPath) || !existsSync(logPath)) return
  const { frameLength, lastFrame, movedFrame } = readIndex(indexPath)
  const frames = Math.min(LOST_FRAMES_MAX, lastFrame - movedFrame)
  if (frames <= 0) return
  const lostLength = Math.max(1, Math.floor(frames * frameLength * lostShare))
  truncateSync(logPath, LOG_HEADER_LENGTH + lastFrame * frameLength - lostLength)
}

/** It is in the byte order of the machine, other than the log. */
function readIndex(path: string): {
  readonly frameLength: number
  readonly lastFrame: number
  readonly movedFrame: number
} {
  const { buffer, byteOffset, byteLength } = readFileSync(path)
  const index = new DataView(buffer, byteOffset, byteLength)
  const isLittle = endianness() === 'LE'
  const said = index.getUint16(PAGE_LENGTH_AT, isLittle)
  const pageLength = said === LONGEST_PAGE.said ? LONGEST_PAGE.length : said
  return {
    frameLength: FRAME_HEADER_LENGTH + pageLength,
    lastFrame: index.getUint32(LAST_FRAME_AT, isLittle),
    movedFrame: index.getUint32(MOVED_FRAME_AT, isLittle),
  }
}
