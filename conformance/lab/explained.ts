import { z } from 'zod'
import file from './explained.json' with { type: 'json' }
import type { Problem, Step } from './step.ts'

/** Problems that are none, each with the reason. */
const EXPLAINED = z.array(
  z.strictObject({ tool: z.string(), tag: z.string(), reason: z.string().min(1) }),
)

export type Explanation = z.infer<typeof EXPLAINED>[number]

export const EXPLANATIONS: readonly Explanation[] = EXPLAINED.parse(file)

/** A step with its problems told apart. */
export interface ExplainedStep extends Omit<Step, 'problems'> {
  readonly problems: readonly Problem[]
  readonly explained: readonly (Problem & { readonly reason: string })[]
}

export function explain(
  step: Step,
  explanations: readonly Explanation[] = EXPLANATIONS,
): ExplainedStep {
  const reasonOf = ({ tag }: Problem): string | undefined =>
    explanations.find((one) => one.tool === step.tool && one.tag === tag)?.reason
  const problems = step.problems.filter((problem) => reasonOf(problem) === undefined)
  const explained = step.problems.flatMap((problem) => {
    const reason = reasonOf(problem)
    return reason === undefined ? [] : [{ ...problem, reason }]
  })
  return { ...step, problems, explained }
}

/** Explanations that nothing needs any more: they would hide the next problem of that name. */
export function unneeded(
  steps: readonly Step[],
  explanations: readonly Explanation[] = EXPLANATIONS,
): readonly Explanation[] {
  return explanations.filter(
    ({ tool, tag }) =>
      // A tool that did not run this time says nothing.
      steps.some((step) => step.tool === tool) &&
      !steps.some(
        (step) => step.tool === tool && step.problems.some((problem) => problem.tag === tag),
      ),
  )
}
