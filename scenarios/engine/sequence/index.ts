// A run as a page of its own: what became of it, and a sequence diagram of what happened.
import { writeOutput } from '../output-file.ts'
import type { Story } from './story.ts'

export { storyOfReport, type Story, type StoryHost } from './story.ts'

/** Writes the page of a run. @throws {OutputError} */
export async function writeStory(file: string, story: Story): Promise<void> {
  // What makes pages is loaded only by who wants one.
  const { storyHtml } = await import('./html.ts')
  await writeOutput(file, await storyHtml(story))
}
