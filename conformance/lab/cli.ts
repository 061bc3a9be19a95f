#!/usr/bin/env node
// npm run lab: the zone, looked at by software that is not ours, in a network of its own.
import { Command } from 'commander'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from '../../scenarios/engine/machine/machine.ts'
import { explain, unneeded } from './explained.ts'
import { runLab } from './inside.ts'
import { installPrograms } from './install.ts'
import { endText, isGreen, stepText } from './report.ts'
import type { Step } from './step.ts'

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // More than once: it may come to the whole group and from the process outside, and servers have to be ended first.
  process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)))
}
const note = (line: string): void => void process.stderr.write(`${line}\n`)

const command = new Command('lab')
  .description(
    'Runs the servers of a zone behind a root, resolvers and a CA, in a network namespace, and asks the tools of others ' +
      'what they think. Installs Debian packages that are missing. Needs Linux and root.',
  )
  .option('--json', 'print the report as JSON')
  .option('--keep', 'leave configurations and logs where they are, and say where')
  .option('--inside', 'this process is in the namespace already')
  .addHelpText(
    'after',
    '\nExit code: 0 nobody found anything that conformance/lab/explained.json does not explain, 1 somebody did, 2 it cannot run here.',
  )
  .parse()
const options = command.opts<{ json?: true; keep?: true; inside?: true }>()

try {
  process.exitCode = options.inside === true ? await inside() : await outside()
} catch (error) {
  if (interrupt.signal.aborted) process.exitCode = 130
  else {
    note(
      error instanceof UnavailableError ? error.message : String((error as Error).stack ?? error),
    )
    process.exitCode = 2
  }
}

/** Has a network, and uses it to install what is missing. */
async function outside(): Promise<number> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new UnavailableError('the lab makes a network namespace: run it on Linux as root')
  }
  const { PATH: path = '' } = process.env
  await installPrograms({
    path,
    machineEnvironment: process.env,
    report: note,
    signal: interrupt.signal,
  })
  const child = spawn(
    'unshare',
    ['--net', '--', process.execPath, import.meta.filename, ...process.argv.slice(2), '--inside'],
    { stdio: 'inherit' },
  )
  interrupt.signal.addEventListener('abort', () => child.kill('SIGTERM'))
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 130
}

async function inside(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nodetrust-lab-'))
  try {
    const onStep = (step: Step): void => {
      if (options.json !== true) process.stdout.write(`${stepText(explain(step))}\n`)
    }
    const steps = await runLab({
      folder,
      environment: process.env,
      signal: interrupt.signal,
      report: note,
      onStep,
    })
    const report = { steps: steps.map((step) => explain(step)), unneeded: unneeded(steps) }
    const text = options.json === true ? JSON.stringify(report, undefined, 2) : endText(report)
    process.stdout.write(`${text}\n`)
    return isGreen(report) ? 0 : 1
  } finally {
    if (options.keep === true) note(`configurations and logs are in ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
}
