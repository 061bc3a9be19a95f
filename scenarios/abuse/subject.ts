import type { PrivateKey } from '@libp2p/interface'
import type { Arbitrary } from 'fast-check'
import { Inputs } from './inputs.ts'
import type { ServerPlaces } from './servers.ts'

/** One kind of abuse. */
export interface Subject {
  readonly name: string
  readonly title: string
  /** What is counted. */
  readonly unit: string
  readonly amount: {
    readonly long: number
    readonly short: number
    /**
     * What the time of others is compared with. Whoever asks while a single-threaded server is asked as fast as it can
     * answer waits in a queue, whatever is asked: so floods are compared with a crowd of the same size that asks well,
     * so many times in all. Without a number, others are compared with themselves in quiet times.
     */
    readonly polite?: number
  }
  attack(attack: Attack): Promise<void>
}

/** One run of a subject. */
export interface Attack {
  readonly places: ServerPlaces
  readonly seed: number
  readonly name: string
  /** Inputs from the first, up to but not including the last. */
  readonly from: number
  readonly to: number
  /** A polite one sends what it should. */
  readonly hostile: boolean
  /** One input at a time, so that the one that does harm is named. */
  readonly oneByOne: boolean
  /** The peer that may set challenges. */
  readonly writer: PrivateKey
  readonly signal: AbortSignal
  sent(count: number): void
  failed(index: number, problem: string): void
  /** Tells something about the run for its report. */
  note(text: string): void
  /** For an abuse that lasts: others are observed from here to the end of the attack. */
  begun(): void
}

/** Inputs that are sent at once. */
export interface Window<T> {
  readonly first: number
  readonly inputs: readonly T[]
}

/** The inputs of an attack, so many at a time. */
export function* windows<T>(
  inputs: { readonly polite: Arbitrary<T>; readonly hostile: Arbitrary<T> },
  attack: Attack,
  size: number,
): Generator<Window<T>> {
  const source = new Inputs(attack.hostile ? inputs.hostile : inputs.polite, attack)
  const step = attack.oneByOne ? 1 : size
  for (let first = attack.from; first < attack.to; first += step) {
    attack.signal.throwIfAborted()
    const count = Math.min(step, attack.to - first)
    yield { first, inputs: Array.from({ length: count }, (_, index) => source.at(first + index)) }
  }
}
