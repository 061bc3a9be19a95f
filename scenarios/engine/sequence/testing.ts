import type { TraceEntry } from '../trace.ts'
import type { Story } from './story.ts'

const PEERS = { proof1: '12D3KooWDTecHjPYmPxZZFLmSj8RjvfsoEzmg8yx4GyX8e984zgM' }

/** A small run, recorded by hand; a test says what is different in its own. */
export function makeStory(story: Partial<Story> = {}): Story {
  return {
    name: 'recorded',
    title: 'two clients, one of them in trouble',
    holds: true,
    facts: [['transport', 'sim']],
    options: {},
    hosts: ['proof1', 'issue1', 'dns1', 'client1', 'client2'].map((name, index) => ({
      name,
      role: name.slice(0, -1),
      peerId: PEERS.proof1.slice(0, -1) + 'ABCDE'.charAt(index),
      addresses: [`203.0.113.${index + 1}`],
    })),
    timeline: [],
    verdicts: [{ name: 'the story ran to its end', problem: undefined }],
    certificates: [],
    durationMs: 10_000,
    again: 'npm run scenario -- recorded',
    ...story,
  }
}

/** Events a second apart, each as `host event` with its details. */
export function makeTimeline(
  events: readonly (readonly [words: string, detail?: TraceEntry['detail']])[],
): readonly TraceEntry[] {
  return events.map(([words, detail = {}], index) => {
    const [host = '', event = ''] = words.split(' ')
    return { atMs: index * 1000, host, event, detail }
  })
}
