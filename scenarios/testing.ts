import { test } from 'tap'
import { caOptionsFromEnvironment } from './engine/ca/index.ts'
import type { DriverName } from './engine/drivers/index.ts'
import { runScenario } from './engine/run.ts'
import { scenarios } from './index.ts'

/** A test for each scenario, against a real Pebble. A transport is a test file, so that they run side by side. */
export function scenariosHold(
  transport: DriverName,
  environment: Record<string, string | undefined>,
): void {
  const ca = caOptionsFromEnvironment(environment)
  for (const scenario of scenarios) {
    if (transport === 'sim' ? scenario.inRealTime : scenario.onlySimulated) continue
    test(`${scenario.proves.join(' ')} ${scenario.name} holds on ${transport}`, async (t) => {
      const report = await runScenario(scenario, { transport, ca })
      for (const { name, problem } of report.verdicts) t.equal(problem, undefined, name)
      t.ok(report.verdicts.length > 4)
    })
  }
}
