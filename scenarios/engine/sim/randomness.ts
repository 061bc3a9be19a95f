import { currentHost } from './host-context.ts'
import { builtin, dressed, type AnyFunction, type Replacement } from './replace.ts'
import { SeededRandom } from './random.ts'
import { simulation } from './simulation.ts'

/**
 * The random values of a world: each host draws from a stream of its own, so that what one does does not change what
 * the others draw.
 */
export class Randomness {
  readonly #world: SeededRandom
  readonly #hosts = new Map<string, SeededRandom>()

  constructor(random: SeededRandom) {
    this.#world = random
  }

  /** The stream of the code that runs now: of its host, or of the world where it belongs to none. */
  stream(): SeededRandom {
    const host = currentHost()
    if (host === undefined) return this.#world
    let stream = this.#hosts.get(host.name)
    if (stream === undefined) {
      stream = this.#world.fork(`host ${host.name}`)
      // A host that starts again goes on in its stream: it must not draw the same values twice.
      this.#hosts.set(host.name, stream)
    }
    return stream
  }

  /** How often each stream was drawn from; the world's own is the one without a name. */
  draws(): Readonly<Record<string, number>> {
    const draws: Record<string, number> = { '': this.#world.draws }
    for (const [name, stream] of this.#hosts) draws[name] = stream.draws
    return draws
  }
}

let loading: SeededRandom | undefined

/** Gives modules that are loaded before the first world a stream that is always the same; undefined takes it away. */
export function setLoadingRandom(random: SeededRandom | undefined): void {
  loading = random
}

/** The stream to draw from now; undefined where Node's own randomness is wanted. */
export const randomStream = (): SeededRandom | undefined =>
  simulation()?.randomness.stream() ?? loading

/**
 * Every source of randomness in Node's JavaScript. What stays Node's own: what TLS draws within OpenSSL, padding and
 * salts of RSA (OAEP, PSS), `generatePrime`, Diffie-Hellman, `createECDH`, encapsulation, and the kinds of keys that
 * key-generation.ts does not name.
 *
 * Arguments are judged by Node, which is asked first; then its values are overwritten.
 */
export function randomReplacements(): Replacement[] {
  const crypto = builtin<Record<string, AnyFunction>>('node:crypto')
  const webcrypto = globalThis.crypto as unknown as Record<string, AnyFunction>
  const uuid = standIn(crypto.randomUUID, (_, random) => uuidText(random.bytes(16), 4))
  return [
    {
      name: 'Math.random',
      owner: Math,
      key: 'random',
      value: standIn(Math.random, (_, random) => random.float()),
    },
    {
      name: 'crypto.getRandomValues',
      owner: webcrypto,
      key: 'getRandomValues',
      value: standIn(webcrypto.getRandomValues, (array, random) => fill(array, random)),
    },
    { name: 'crypto.randomUUID', owner: webcrypto, key: 'randomUUID', value: uuid },
    { name: 'node:crypto randomUUID', owner: crypto, key: 'randomUUID', value: uuid },
    {
      name: 'node:crypto randomUUIDv7',
      owner: crypto,
      key: 'randomUUIDv7',
      value: standIn(crypto.randomUUIDv7, (_, random) => uuidText(timed(random.bytes(16)), 7)),
    },
    ...['randomBytes', 'pseudoRandomBytes', 'prng', 'rng'].map((key) => ({
      name: `node:crypto ${key}`,
      owner: crypto,
      key,
      value: withCallback(crypto[key], (bytes, random) => fill(bytes, random)),
    })),
    {
      name: 'node:crypto randomFillSync',
      owner: crypto,
      key: 'randomFillSync',
      value: standIn(crypto.randomFillSync, fillPart),
    },
    {
      name: 'node:crypto randomFill',
      owner: crypto,
      key: 'randomFill',
      value: withCallback(crypto.randomFill, fillPart, crypto.randomFillSync),
    },
    {
      name: 'node:crypto randomInt',
      owner: crypto,
      key: 'randomInt',
      value: withCallback(crypto.randomInt, (_, random, ...bounds) => {
        const [min, max] = (bounds.length === 1 ? [0, ...bounds] : bounds) as number[]
        return random.integer(Number(min), Number(max) - 1)
      }),
    },
  ].filter(({ value }) => value !== undefined)
}

/** Makes a seeded result of Node's own. */
type Draw = (result: unknown, random: SeededRandom, ...parameters: unknown[]) => unknown

function standIn(own: AnyFunction | undefined, draw: Draw): AnyFunction | undefined {
  if (own === undefined) return undefined
  return dressed(own, function (this: unknown, ...parameters) {
    const result = Reflect.apply(own, this, parameters)
    const random = randomStream()
    return random === undefined ? result : draw(result, random, ...parameters)
  })
}

/** With a callback as its last argument, a function gives it the same result at the same virtual time. */
function withCallback(
  own: AnyFunction | undefined,
  draw: Draw,
  ownSync = own,
): AnyFunction | undefined {
  if (own === undefined || ownSync === undefined) return undefined
  const sync = standIn(ownSync, draw) as AnyFunction
  return dressed(own, function (this: unknown, ...parameters) {
    const callback = parameters.at(-1)
    if (typeof callback !== 'function') return Reflect.apply(sync, this, parameters)
    if (randomStream() === undefined) return Reflect.apply(own, this, parameters)
    const result = Reflect.apply(sync, this, parameters.slice(0, -1))
    answer(() => callback(null, result))
    return undefined
  })
}

/** Calls back after the running code, at the same virtual time. */
export function answer(work: () => void): void {
  const clock = simulation()?.clock
  if (clock === undefined) process.nextTick(work)
  else clock.schedule(0, work)
}

function fill<T>(memory: T, random: SeededRandom): T {
  const view = memory as ArrayBufferView | ArrayBuffer
  random.fill(
    ArrayBuffer.isView(view)
      ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
      : new Uint8Array(view),
  )
  return memory
}

/** Offset and size count elements, as Node has it. */
function fillPart(
  memory: unknown,
  random: SeededRandom,
  _: unknown,
  offset?: unknown,
  size?: unknown,
): unknown {
  const view = memory as ArrayBufferView | ArrayBuffer
  const elementBytes = (view as Uint8Array).BYTES_PER_ELEMENT ?? 1
  const bytes = ArrayBuffer.isView(view)
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : new Uint8Array(view)
  const from = Number(offset ?? 0) * elementBytes
  fill(
    bytes.subarray(from, size === undefined ? undefined : from + Number(size) * elementBytes),
    random,
  )
  return memory
}

/** RFC 9562 §5.7: the first 48 bits are the time of day. */
function timed(bytes: Uint8Array): Uint8Array {
  Buffer.from(bytes.buffer).writeUIntBE(Date.now(), 0, 6)
  return bytes
}

/** RFC 9562 §4: 4 bits say the version, 2 the variant. */
function uuidText(bytes: Uint8Array, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
