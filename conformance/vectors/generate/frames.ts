import type { Draft, DraftFile, DraftGroup } from './build.ts'
import { cutStreams } from './frame-cuts.ts'
import { readAskAfter, readMessages } from './frame-reading.ts'
import { writtenAskAfter, writtenMessages } from './frame-writing.ts'
import seed from './seed/frames.json' with { type: 'json' }

/** Frames and the messages in them. */
export function frames(): DraftFile {
  return {
    header: [
      'Encode: json is written as frameHex, byte for byte, and read back.',
      'Decode: frameHex is read (as json, where that is there) or refused.',
      'Cut: messagesHex are read from a stream of bytesHex; result invalid: then the stream is at fault.',
    ],
    notes: {
      Ktv: {
        bugType: 'BASIC',
        description:
          'bytes of the codec of 2018; protobufjs 8.8.1 gave the same in 3500 of 3500 random messages',
      },
      Own: {
        bugType: 'BASIC',
        description: 'messages and fields that 2018 had not, and random ones',
      },
      ZeroRequired: {
        bugType: 'MISSING_STEP',
        description: 'error 0 must be on the wire; encoders of proto3 omit it',
      },
      UnknownEnum: {
        bugType: 'FUNCTIONALITY',
        description: 'a number that is not known fails nothing; 2018 lost the whole request',
      },
      UnknownField: {
        bugType: 'FUNCTIONALITY',
        description: 'fields of later versions are skipped',
      },
      Malformed: { bugType: 'CAN_OF_WORMS', description: 'no message of that kind' },
      NotUtf8: {
        bugType: 'MISSING_STEP',
        description: 'decoders that put U+FFFD there let two byte strings be one name',
      },
      Time: {
        bugType: 'MISSING_STEP',
        description: 'times and durations are from 0 to 2^53 - 1 ms',
      },
      NonCanonical: {
        bugType: 'SIGNATURE_MALLEABILITY',
        description: 'other bytes for the same message',
      },
      LengthPrefix: { bugType: 'EDGE_CASE', description: 'how the length of a frame is written' },
      Truncated: { bugType: 'MISSING_STEP', description: 'the stream ends within a frame' },
    },
    groups: [
      ...(seed as unknown as DraftGroup[]),
      { type: 'Encode', tests: writtenMessages() },
      { type: 'Decode', tests: readMessages() },
      { type: 'Cut', tests: cutStreams() },
      // What came later has the numbers after all others.
      { type: 'Encode', tests: writtenAskAfter() },
      { type: 'Decode', tests: readAskAfter() },
    ],
    words: fieldsOf,
  }
}

/** What a message has, such as "with error 0, renewAt". */
function fieldsOf({ json }: Draft): string {
  const names = Object.entries(json as object).map(([name, value]) =>
    name === 'error' ? `error ${String(value)}` : name,
  )
  return `with ${names.join(', ')}`
}
