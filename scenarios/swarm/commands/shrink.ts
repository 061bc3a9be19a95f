import { Command, Option } from 'commander'
import type { CommandIo } from '../../commands/io.ts'
import { countText } from '../count-text.ts'
import { WORLDS, type Reduction } from '../plan.ts'
import type { SeedResult } from '../result.ts'
import { ChildRunner } from '../runner.ts'
import { shrink, type Shrunk } from '../shrink.ts'
import { exitCode } from '../verdict.ts'
import { reductionOf, seedArgument, withReduction, type WorldOptions } from './arguments.ts'
import { checkWorld } from './known-world.ts'
import { failureText, faultsText } from './text.ts'

/** `scenario shrink SEED`: makes a failing world as small as it goes. */
export function shrinkCommand(io: CommandIo): Command {
  return withReduction(
    new Command('shrink')
      .description('Takes away all that a failing world does not need to fail in the same way.')
      .argument('<seed>', 'as a failure names it', seedArgument)
      .addOption(new Option('--world <name>', 'what is drawn').choices(WORLDS).default('swarm')),
  ).action(async (seed: string, options: WorldOptions) => {
    const { world } = options
    const reduction = reductionOf(options)
    await checkWorld(seed, world, reduction)
    await using runner = new ChildRunner({ fresh: true })
    const result = await runner.run(seed, { world, signal: io.signal, reduction })
    if (result.class === 'pass') io.out(`seed ${seed} of ${world} passes: nothing to shrink\n`)
    else await shrinkResult(result, reduction, io)
    io.end(exitCode([result]))
  })
}

/** Shrinks a failing world, and tells what is left of it. */
export async function shrinkResult(
  result: SeedResult,
  reduction: Reduction,
  io: CommandIo,
): Promise<Shrunk> {
  const { seed, world } = result
  await using warm = new ChildRunner()
  await using cold = new ChildRunner({ fresh: true })
  const { signal } = io
  io.error(`shrinking seed ${seed} of ${world}\n`)
  const shrunk = await shrink(result, reduction, {
    run: (reduced) => warm.run(seed, { world, signal, reduction: reduced }),
    runFresh: (reduced) => cold.run(seed, { world, signal, reduction: reduced }),
    onProgress: ({ faults, hosts, runs }) =>
      io.error(
        `  ${countText(faults, 'fault')}, ${countText(hosts, 'host')} after ${countText(runs, 'run')}\n`,
      ),
  })
  const { plan, reduction: last } = shrunk
  io.out(
    `${failureText(shrunk.result)}\n  shrunk to ${countText(shrunk.faults, 'fault')} and ${countText(shrunk.hosts, 'host')} in ${countText(shrunk.runs, 'run')}${
      shrunk.verified
        ? ', seen twice more in fresh processes'
        : ', BUT NOT THE SAME in fresh processes'
    }\n${faultsText(plan, last.faults ?? [])}\n`,
  )
  return shrunk
}
