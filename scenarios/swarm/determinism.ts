import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { SeedResult } from './result.ts'
import { ChildRunner, type RunnerOptions, type SeedOptions } from './runner.ts'

/** Where two traces part. */
export interface Difference {
  /** The first line that differs, from 1. */
  readonly line: number
  /** Undefined where a trace ends. */
  readonly one: string | undefined
  readonly other: string | undefined
  /** The lines before it, which both have. */
  readonly before: readonly string[]
}

const LINES_BEFORE = 5

/**
 * Runs a seed in two fresh processes; the first one's result, which is of class `non-determinism` where they differ, or
 * that of one that came to no end.
 */
export async function runTwice(
  seed: string,
  options: Omit<SeedOptions, 'traceFile'> & {
    readonly folder: string
    /** @default a runner's own bounds */
    readonly bounds?: Omit<RunnerOptions, 'fresh'>
  },
): Promise<{ readonly result: SeedResult; readonly difference: Difference | undefined }> {
  const { folder, bounds = {}, ...rest } = options
  const files = ['one', 'other'].map((name) => join(folder, `trace-${seed}-${name}.jsonl`))
  const results: SeedResult[] = []
  await using runner = new ChildRunner({ ...bounds, fresh: true })
  for (const traceFile of files) results.push(await runner.run(seed, { ...rest, traceFile }))
  // A process that died, or was stopped for its time, has told only a part: that is what there is to say of the seed.
  const cut = results.find(({ digest }) => digest.events === '')
  if (cut !== undefined) return { result: cut, difference: undefined }
  const [one, other] = results as [SeedResult, SeedResult]
  const [fileOne = '', fileOther = ''] = files
  const difference = await firstDifference(fileOne, fileOther)
  const same =
    one.digest.events === other.digest.events &&
    one.digest.shape === other.digest.shape &&
    one.digest.bytes === other.digest.bytes &&
    one.draws === other.draws
  if (same && difference === undefined) return { result: one, difference: undefined }
  return {
    result: {
      ...one,
      class: 'non-determinism',
      failure: {
        invariant: 'the same seed is the same run',
        problem: difference === undefined ? describeDigests(one, other) : describe(difference),
        atMs: timeOf(difference?.one ?? difference?.other),
        hosts: [],
      },
    },
    difference,
  }
}

/** Compares two files line by line; undefined when they are equal. */
export async function firstDifference(one: string, other: string): Promise<Difference | undefined> {
  const before: string[] = []
  const ones = linesOf(one)
  const others = linesOf(other)
  try {
    for (let line = 1; ; line++) {
      const [a, b] = await Promise.all([ones.next(), others.next()])
      const [left, right] = [a.value as string | undefined, b.value as string | undefined]
      if (left === undefined && right === undefined) return undefined
      if (left !== right) return { line, one: left, other: right, before }
      before.push(left ?? '')
      if (before.length > LINES_BEFORE) before.shift()
    }
  } finally {
    await ones.return(undefined)
    await others.return(undefined)
  }
}

/** A difference for people: the lines before, then what the one says and what the other does. */
export function describe({ line, one, other, before }: Difference): string {
  return [
    `the traces differ from line ${line} on:`,
    ...before.map((text) => `    ${text}`),
    `  - ${one ?? '(it ends)'}`,
    `  + ${other ?? '(it ends)'}`,
  ].join('\n')
}

async function* linesOf(file: string): AsyncGenerator<string, undefined> {
  yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  return undefined
}

function describeDigests(one: SeedResult, other: SeedResult): string {
  const parts = [
    ...(['events', 'shape', 'bytes'] as const).filter(
      (part) => one.digest[part] !== other.digest[part],
    ),
    ...(one.draws === other.draws ? [] : ['random draws']),
  ]
  return `two runs differ in ${parts.join(', ')}, and no event does`
}

function timeOf(line: string | undefined): number {
  if (line === undefined) return 0
  return (JSON.parse(line) as { readonly atMs?: number }).atMs ?? 0
}
