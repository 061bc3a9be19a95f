import { base58btc } from 'multiformats/bases/base58'
import { base36, id0Label, isPeerMultihash, parseId0Label } from '../../wire/names.ts'
import { join } from '../../wire/protobuf.ts'
import { draft, fromHex, toHex, type Draft, type DraftFile, type DraftGroup } from './build.ts'
import { ecdsaKey, ed25519Key, rsaKey } from './keys.ts'
import { SeededRandom } from './random.ts'
import seed from './seed/id0_label.json' with { type: 'json' }

const KEYS_OF_EACH_TYPE = 8

/** Labels of peer ids. */
export function id0Labels(): DraftFile {
  return {
    header: ['label stands for the peer id with this multihash (null: for none).'],
    notes: {
      SeedExample: { bugType: 'BASIC', description: 'example of the specification of 2018' },
      Case: { bugType: 'FUNCTIONALITY', description: 'names are read in any case' },
      KeyType: { bugType: 'BASIC', description: 'ids of RSA, Ed25519 and secp256k1 keys' },
      LeadingZero: {
        bugType: 'EDGE_CASE',
        description:
          'an identity multihash begins with a zero byte, which is a leading a; a conversion through a big integer loses it',
      },
      BadAlphabet: {
        bugType: 'MISSING_STEP',
        description: 'the server of 2018 threw out of its query handler',
      },
      NotMultihash: { bugType: 'MISSING_STEP', description: 'base36 of bytes that are no peer id' },
      MultibaseConfusion: {
        bugType: 'WRONG_PRIMITIVE',
        description: 'base36 with digits first (multibase k) is another alphabet',
      },
      TooLong: { bugType: 'EDGE_CASE', description: 'longer than a label can be' },
    },
    groups: [...(seed as unknown as DraftGroup[]), { type: 'Id0Label', tests: tests() }],
  }
}

function tests(): readonly Draft[] {
  const makers = {
    RSA: (name: string) => rsaKey(2048, name),
    Ed25519: ed25519Key,
    secp256k1: (name: string) => ecdsaKey('secp256k1', name),
  }
  const good = Object.entries(makers).flatMap(([type, make]) =>
    Array.from({ length: KEYS_OF_EACH_TYPE }, (_, index) => {
      const { id } = make(`id0 ${type} ${index}`)
      return of(
        'valid',
        'NT-DNS-022',
        ['KeyType', ...(id[0] === 0 ? ['LeadingZero'] : [])],
        type,
        id,
      )
    }),
  )
  return [...good, ...edges(), ...broken()]
}

/** Multihashes at the bounds of what a peer id can be. */
function edges(): readonly Draft[] {
  const random = new SeededRandom('id0 edges')
  const digest = random.bytes(42)
  const identity = (length: number): Uint8Array =>
    join(Uint8Array.of(0, length), digest.subarray(0, length))
  return [
    of('valid', 'NT-DNS-023', 'LeadingZero', 'identity of one byte', identity(1)),
    of('valid', 'NT-DNS-022', 'LeadingZero', 'identity of one zero byte', fromHex('000100')),
    of(
      'valid',
      'NT-DNS-022',
      'LeadingZero',
      'identity of zeros',
      fromHex(`0024${'00'.repeat(36)}`),
    ),
    // 42 bytes give a label of more than 63 characters: the longest that has room is 38.
    of('valid', 'NT-DNS-023', 'LeadingZero', 'identity of 38 bytes', identity(38)),
    of('valid', 'NT-DNS-020', 'KeyType', 'sha2-256 of zeros', fromHex(`1220${'00'.repeat(32)}`)),
    of('valid', 'NT-DNS-020', 'KeyType', 'sha2-256 of ones', fromHex(`1220${'ff'.repeat(32)}`)),
  ]
}

function broken(): readonly Draft[] {
  const digest = toHex(new SeededRandom('id0 broken').bytes(40))
  const multihashes: readonly (readonly [string, string])[] = [
    ['identity of no byte', '0000'],
    ['sha2-256 with 31 bytes', `1220${digest.slice(0, 62)}`],
    ['sha2-256 with 33 bytes', `1220${digest.slice(0, 66)}`],
    ['sha2-256 that says 31 bytes', `121f${digest.slice(0, 62)}`],
    ['sha1', `1114${digest.slice(0, 40)}`],
    ['sha2-512, cut to 32 bytes', `1320${digest.slice(0, 64)}`],
    ['identity with a byte too few', `0024${digest.slice(0, 70)}`],
    ['identity with a byte too many', `0024${digest.slice(0, 74)}`],
    ['a zero byte before the multihash', `001220${digest.slice(0, 64)}`],
    ['two zero bytes alone', '0000'],
    ['CIDv1 of a peer id', `01721220${digest.slice(0, 64)}`],
  ]
  const labels: readonly (readonly [string, string, string])[] = [
    ['p-', 'BadAlphabet', 'a hyphen'],
    ['p_', 'BadAlphabet', 'an underscore'],
    ['p--', 'BadAlphabet', 'two hyphens'],
    ['pa', 'NotMultihash', 'one zero byte'],
    ['paa', 'NotMultihash', 'two zero bytes'],
    ['p1', 'NotMultihash', 'one digit'],
    ['peer', 'NotMultihash', 'a word with a p before it'],
    ['pebble', 'NotMultihash', 'a longer one'],
    ['pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o', 'NotMultihash', 'last digit missing'],
    ['pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8a', 'NotMultihash', 'a digit too many'],
    ['w4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8', 'NotMultihash', 'without the p'],
    ['qw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8', 'NotMultihash', 'q for p'],
    [
      'pk2jmtxy7gnpyrrdgotkkp79atyw9ho3q1t07xndbzjhh1mowpaf9',
      'MultibaseConfusion',
      'a peer id with digits first',
    ],
    [`p${'a'.repeat(63)}`, 'TooLong', 'zeros'],
    [`p${'9'.repeat(63)}`, 'TooLong', 'nines'],
  ]
  return [
    ...multihashes.map(([comment, hex]) => {
      const bytes = fromHex(hex)
      if (isPeerMultihash(bytes)) throw new Error(`${comment} is a peer id`)
      return refused('NotMultihash', comment, `p${base36(bytes)}`)
    }),
    ...labels.map(([label, flag, comment]) => refused(flag, comment, label)),
  ]
}

function refused(flag: string, comment: string, label: string): Draft {
  if (parseId0Label(label) !== undefined) throw new Error(`"${label}" is of a peer`)
  const req = label.length > 63 ? 'NT-DNS-024' : 'NT-DNS-023'
  return draft('invalid', req, flag, comment, { label, peerId: null, peerIdHex: null })
}

function of(
  result: Draft['result'],
  req: string,
  flags: string | readonly string[],
  comment: string,
  id: Uint8Array,
): Draft {
  const label = id0Label(id)
  if (label.length > 63) throw new Error(`${comment}: ${label.length} characters`)
  return draft(result, req, flags, comment, {
    label,
    // base58btc puts its prefix z before it.
    peerId: base58btc.encode(id).slice(1),
    peerIdHex: toHex(id),
  })
}
