// Random values from a seed: the streams themselves, and Node's functions that draw from them.
import nodeCrypto, {
  createHash,
  createSign,
  generateKeyPair,
  generateKeyPairSync,
  generateKeySync,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  sign,
  verify,
  type KeyObject,
  type webcrypto,
} from 'node:crypto'
import { promisify } from 'node:util'
import { test } from 'tap'
import { toBigInt } from './big-integers.ts'
import { findCurve } from './curves.ts'
import { signEcdsa } from './ecdsa.ts'
import { runOn } from './host-context.ts'
import { SeededRandom } from './random.ts'
import { inWorld } from './install.ts'
import { takeOver } from './take-over.ts'
import { testHost } from './testing.ts'

takeOver()

const first = (random: SeededRandom, count: number): number[] =>
  Array.from({ length: count }, () => random.float())

test('a stream is its seed, and counts what is drawn from it', (t) => {
  t.strictSame(first(new SeededRandom(177n), 100), first(new SeededRandom('177'), 100))
  t.notSame(first(new SeededRandom(1), 3), first(new SeededRandom(2), 3))
  const random = new SeededRandom('draws')
  random.float()
  random.integer(1, 6)
  random.bytes(100)
  random.pick(['a', 'b'])
  t.equal(random.draws, 4)
  t.end()
})

test('a seed gives the same values in every version: it is what a failure is replayed from', (t) => {
  const random = new SeededRandom(177)
  t.strictSame(first(random, 2), [0.20384890119413834, 0.08352068692295211])
  t.equal(Buffer.from(random.bytes(8)).toString('hex'), '84a6ce16f664401a')
  t.equal(random.integer(1, 1_000), 760)
  t.equal(random.fork('host a').float(), 0.767140071177518)
  t.end()
})

test('a fork is a stream of its own, whatever is drawn from its parent', (t) => {
  const [one, other] = [new SeededRandom('parent'), new SeededRandom('parent')]
  first(one, 10)
  t.strictSame(first(one.fork('child'), 10), first(other.fork('child'), 10))
  t.notSame(first(one.fork('child'), 10), first(one.fork('sibling'), 10))
  t.notSame(
    first(one.fork('a').fork('b'), 3),
    first(one.fork('a/1:b'), 3),
    'a label does not reach into another',
  )
  t.notSame(first(one.fork('a').fork('b'), 3), first(one.fork('a/b'), 3))
  t.equal(one.draws, 10, 'a fork counts for itself')
  t.equal(one.totalDraws, 10 + 10 + 10 + 10 + 4 * 3, 'and with all others of its seed')
  t.end()
})

test('values are spread evenly, between their bounds', (t) => {
  const random = new SeededRandom('spread')
  const count = 60_000
  const sides = new Map<number, number>()
  const bytes = new Uint8Array(256)
  let sum = 0
  for (let draw = 0; draw < count; draw++) {
    const side = random.integer(1, 6)
    sides.set(side, (sides.get(side) ?? 0) + 1)
    sum += random.float()
  }
  for (const byte of random.bytes(100_000)) bytes[byte] = 1
  t.strictSame(new Set(sides.keys()), new Set([1, 2, 3, 4, 5, 6]))
  for (const [side, times] of sides) {
    t.ok(Math.abs(times - count / 6) < 500, `${side} came ${times} times`)
  }
  t.ok(Math.abs(sum / count - 0.5) < 0.01)
  t.ok(
    bytes.every((seen) => seen === 1),
    'every byte comes',
  )
  t.equal(random.integer(7, 7), 7)
  for (const [min, max] of [
    [1, 0],
    [0, Number.MAX_VALUE],
    [Number.NaN, 1],
  ] as const) {
    t.throws(() => random.integer(min, max), RangeError)
  }
  t.throws(() => random.pick([]), RangeError)
  t.end()
})

/** Everything that Node draws, as text. */
const draws: Record<string, () => unknown> = {
  'Math.random': () => Math.random(),
  'crypto.getRandomValues': () => crypto.getRandomValues(new Uint32Array(5)),
  'node:crypto getRandomValues': () => nodeCrypto.getRandomValues(new Uint8Array(5)),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'node:crypto randomUUID': () => randomUUID({ disableEntropyCache: true }),
  randomBytes: () => randomBytes(9),
  'randomBytes with a callback': () => promisify(randomBytes)(9),
  randomFillSync: () => randomFillSync(Buffer.alloc(9)),
  randomFill: () => promisify(randomFill)(Buffer.alloc(9)),
  randomInt: () => randomInt(2 ** 40),
  'randomInt with a callback': () => promisify<number, number, number>(randomInt)(5, 2 ** 40),
  'an Ed25519 key': () => generateKeyPairSync('ed25519').privateKey,
  'an X25519 key': () => generateKeyPairSync('x25519').privateKey,
  'an Ed448 key': () => generateKeyPairSync('ed448').privateKey,
  'an X448 key': () => generateKeyPairSync('x448').privateKey,
  'a P-256 key': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'a P-384 key': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
  'a P-521 key': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  'a secp256k1 key': () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  'an RSA key': () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  'an Ed25519 key with a callback': async () =>
    (await promisify(generateKeyPair)('ed25519')).privateKey,
  'an RSA key with a callback': async () =>
    (await promisify(generateKeyPair)('rsa', { modulusLength: 1024 })).privateKey,
  'a key as PEM': () =>
    generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }).privateKey,
  'an AES key': () => generateKeySync('aes', { length: 256 }),
  'an HMAC key': () => generateKeySync('hmac', { length: 160 }),
  'a WebCrypto Ed25519 key': () => webKey({ name: 'Ed25519' }, ['sign', 'verify']),
  'a WebCrypto X25519 key': () => webKey({ name: 'X25519' }, ['deriveBits']),
  'a WebCrypto ECDSA key': () => webKey({ name: 'ECDSA', namedCurve: 'P-256' }, ['sign', 'verify']),
  'a WebCrypto ECDH key': () => webKey({ name: 'ECDH', namedCurve: 'P-384' }, ['deriveKey']),
  'a WebCrypto RSA key': () =>
    webKey(
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 1024,
        publicExponent: Uint8Array.of(1, 0, 1),
        hash: 'SHA-256',
      },
      ['sign', 'verify'],
    ),
  'a WebCrypto AES key': () => webKey({ name: 'AES-GCM', length: 128 }, ['encrypt']),
  'a WebCrypto HMAC key': () => webKey({ name: 'HMAC', hash: 'SHA-384' }, ['sign']),
}

async function webKey(algorithm: object, usages: readonly string[]): Promise<unknown> {
  const made: webcrypto.CryptoKey | webcrypto.CryptoKeyPair = await crypto.subtle.generateKey(
    algorithm as never,
    true,
    usages as never,
  )
  return crypto.subtle.exportKey('jwk', 'privateKey' in made ? made.privateKey : made)
}

async function text(draw: () => unknown): Promise<string> {
  const value = await draw()
  if (!(value instanceof nodeCrypto.KeyObject)) return JSON.stringify(value)
  const key = value as KeyObject
  return JSON.stringify(key.export({ format: 'jwk' }))
}

for (const [name, draw] of Object.entries(draws)) {
  test(`${name}: the seed decides it, and without a world chance does`, async (t) => {
    const inSeed = (seed: string): Promise<string> => inWorld(() => text(draw), { seed })
    const [one, same, other] = [await inSeed('one'), await inSeed('one'), await inSeed('other')]
    t.equal(one, same)
    t.not(one, other)
    t.not(await text(draw), await text(draw))
  })
}

test('each host draws from a stream of its own', async (t) => {
  const story = (visitor: boolean) =>
    inWorld(async ({ randomness }) => {
      const a = testHost('a')
      const values = [runOn(a, () => Math.random())]
      if (visitor) runOn(testHost('visitor'), () => randomBytes(100))
      if (visitor) Math.random()
      values.push(runOn(a, () => Math.random()))
      // It starts again, and must not draw its first values once more.
      values.push(runOn(testHost('a'), () => Math.random()))
      return { values, draws: randomness.draws() }
    })
  const [alone, visited] = [await story(false), await story(true)]
  t.strictSame(alone.values, visited.values)
  t.equal(new Set(alone.values).size, 3)
  t.strictSame(alone.draws, { '': 0, a: 3 })
  t.strictSame(visited.draws, { '': 1, a: 3, visitor: 1 })
})

test('what Node refuses is refused, and offsets are elements', async (t) => {
  await inWorld(async () => {
    t.throws(() => randomBytes(-1), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => randomInt(5, 5), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => crypto.getRandomValues(new Uint8Array(65_537)), { name: 'QuotaExceededError' })
    t.throws(() => crypto.getRandomValues(new Float64Array(1) as never), {
      name: 'TypeMismatchError',
    })
    t.throws(() => generateKeyPairSync('ec', { namedCurve: 'P-1' }), {
      code: 'ERR_CRYPTO_INVALID_CURVE',
    })
    t.throws(() => generateKeyPairSync('no-such' as 'ed25519'), { code: 'ERR_INVALID_ARG_VALUE' })
    await t.rejects(webKey({ name: 'Ed25519' }, []), { name: 'SyntaxError' })
    await t.rejects(webKey({ name: 'ECDSA', namedCurve: 'P-256' }, ['encrypt']), {
      name: 'SyntaxError',
    })
    const words = randomFillSync(new Uint32Array(4), 1, 2)
    t.strictSame(
      [...words].map((word) => word !== 0),
      [false, true, true, false],
    )
  })
})

test('a UUID says its version and variant', async (t) => {
  const v7 = (nodeCrypto as unknown as { randomUUIDv7?: () => string }).randomUUIDv7
  await inWorld(async ({ clock }) => {
    for (let count = 0; count < 50; count++) {
      t.match(randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
    if (v7 === undefined) return
    t.equal(Number.parseInt(v7().replace('-', '').slice(0, 12), 16), clock.dateMs())
  })
})

test('keys from a seed work', async (t) => {
  await inWorld(async () => {
    const data = Buffer.from('what is signed')
    for (const [type, options, algorithm] of [
      ['ed25519', {}, null],
      ['ed448', {}, null],
      ['rsa', { modulusLength: 2048 }, 'sha256'],
      ['ec', { namedCurve: 'P-256' }, 'sha256'],
      ['ec', { namedCurve: 'P-521' }, 'sha512'],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync(type as 'rsa', options as never)
      t.ok(verify(algorithm, data, publicKey, sign(algorithm, data, privateKey)), type)
    }
    const { modulusLength } =
      generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.asymmetricKeyDetails ?? {}
    t.equal(modulusLength, 2048)
    const [mine, theirs] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')]
    t.strictSame(
      nodeCrypto.diffieHellman({ privateKey: mine.privateKey, publicKey: theirs.publicKey }),
      nodeCrypto.diffieHellman({ privateKey: theirs.privateKey, publicKey: mine.publicKey }),
    )
  })
})

/** RFC 6979 appendix A.2.5 to A.2.7, of the message "sample": r and s. */
const SAMPLES: readonly (readonly [curve: string, d: string, hash: string, signature: string])[] = [
  [
    'P-256',
    'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    'sha1',
    '61340c88c3aaebeb4f6d667f672ca9759a6ccaa9fa8811313039ee4a35471d326d7f147dac089441bb2e2fe8f7a3fa264b9c475098fdcf6e00d7c996e1b8b7eb',
  ],
  [
    'P-256',
    'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    'sha256',
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ],
  [
    'P-256',
    'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
    'sha512',
    '8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f002362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe',
  ],
  [
    'P-384',
    '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
    'sha384',
    '94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
  ],
  [
    'P-521',
    'fad06daa62ba3b25d2fb40133da757205de67f5bb0018fee8c86e1b68c7e75caa896eb32f1f47c70855836a6d16fcc1466f6d8fbec67db89ec0c08b0e996b83538',
    'sha512',
    '00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a',
  ],
]

test('ECDSA signatures are those of RFC 6979', (t) => {
  for (const [name, d, hash, signature] of SAMPLES) {
    const curve = findCurve(name)
    if (curve === undefined) throw new Error(`no curve "${name}"`)
    const digest = createHash(hash).update('sample').digest()
    const signer = { curve, d: toBigInt(Buffer.from(d, 'hex')), encoding: 'ieee-p1363' } as const
    t.equal(
      signEcdsa(signer, { hashName: hash, digest }).toString('hex'),
      signature,
      `${name} ${hash}`,
    )
  }
  t.end()
})

test('ECDSA signatures come from the seed by every way, and Node verifies them', async (t) => {
  const data = Buffer.from('what is signed')
  // Keys that nobody can export must be known from their making: Node warns of asking it for them.
  const warnings = t.capture(process, 'emitWarning')
  const signAll = (namedCurve: string, seed: string): Promise<string[]> =>
    inWorld(
      async () => {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
        const pem = privateKey.export({ type: 'sec1', format: 'pem' })
        const signatures = [
          sign('sha256', data, privateKey),
          sign('SHA256', data, pem),
          await promisify(sign)('RSA-SHA256', data, { key: pem }),
          createSign('SHA256').update('what is ').update('signed').sign(privateKey),
          Buffer.from(createSign('SHA256').update(data).sign({ key: pem }, 'base64'), 'base64'),
        ]
        for (const signature of signatures) {
          t.ok(verify('sha256', data, publicKey, signature), `${namedCurve} in DER`)
        }
        const plain = [sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })]
        if (namedCurve !== 'secp256k1') {
          const algorithm = { name: 'ECDSA', namedCurve, hash: 'SHA-256' }
          const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
          for (const key of [
            privateKey.toCryptoKey(algorithm, true, ['sign']),
            privateKey.toCryptoKey(algorithm, false, ['sign']),
            await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
          ]) {
            plain.push(Buffer.from(await crypto.subtle.sign(algorithm, key, data)))
          }
        }
        for (const signature of plain) {
          const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
          t.ok(verify('sha256', data, key, signature), `${namedCurve} in plain`)
        }
        return [...signatures, ...plain].map((signature) => signature.toString('hex'))
      },
      { seed },
    )
  for (const namedCurve of ['P-256', 'P-384', 'P-521', 'secp256k1']) {
    const signatures = await signAll(namedCurve, 'one')
    t.strictSame(await signAll(namedCurve, 'one'), signatures)
    t.equal(new Set(signatures).size, signatures.length, 'who signs twice gets two')
  }
  t.strictSame(warnings(), [])
})

test('what does not sign with ECDSA, or may not, is left to Node', async (t) => {
  const data = Buffer.from('what is signed')
  await inWorld(async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    t.equal(sign(null, data, generateKeyPairSync('ed25519').privateKey).length, 64)
    t.throws(() => sign('no-such-hash', data, privateKey), Error)
    t.throws(() => sign('sha256', data, 'no key'), Error)
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    await t.rejects(crypto.subtle.sign(algorithm, pair.publicKey, data), {
      name: 'InvalidAccessError',
    })
  })
})
