/** What one tool, or one story, had to say. */
export interface Step {
  readonly tool: string
  /** What it was asked to look at. */
  readonly what: string
  readonly ms: number
  readonly problems: readonly Problem[]
  /** Something worth knowing where there is no problem: a number, a certificate's names. */
  readonly note?: string
}

export interface Problem {
  /** The tool's own name for it, by which it can be explained. */
  readonly tag: string
  readonly text: string
}

/** Runs something and keeps its time; what it throws is a problem as well. */
export async function step(
  { tool, what }: Pick<Step, 'tool' | 'what'>,
  run: () => Promise<Pick<Step, 'problems' | 'note'>>,
): Promise<Step> {
  const startedMs = performance.now()
  const found = await run().catch((error: unknown) => ({
    problems: [{ tag: 'broken-off', text: error instanceof Error ? error.message : String(error) }],
  }))
  return { tool, what, ms: Math.round(performance.now() - startedMs), ...found }
}
