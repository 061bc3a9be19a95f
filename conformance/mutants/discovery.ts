// Issue and DNS servers that are wrong in one way in passing on announcements.
import { mutantsOf } from './mutant.ts'

export const DISCOVERY_MUTANTS = mutantsOf('discovery', [
  {
    id: 'unsigned-only',
    file: 'impl/node.ts',
    find: 'allowedTopics: TOPICS,',
    replace: "allowedTopics: TOPICS,\n    globalSignaturePolicy: 'StrictNoSign',",
    breaks: 'NT-DISC-004',
    neighbours: ['NT-DISC-007', 'NT-DISC-008', 'NT-DISC-009'],
    why: 'passes on messages that nobody has signed',
  },
  {
    id: 'deaf-after-noise',
    file: 'impl/node.ts',
    find: 'data.length <= ANNOUNCEMENT_LENGTH_MAX\n',
    replace: `(data[0] === 0x0a || pubsub.unsubscribe(topic), data.length <= ANNOUNCEMENT_LENGTH_MAX)\n`,
    breaks: 'NT-DISC-007',
    sometimes: ['NT-DISC-004', 'NT-DISC-008', 'NT-DISC-009'],
    why: 'what is no announcement keeps it from passing on the next one',
  },
  {
    id: 'long-announcements',
    file: 'impl/node.ts',
    find: 'data.length <= ANNOUNCEMENT_LENGTH_MAX\n',
    replace: 'data.length <= ANNOUNCEMENT_LENGTH_MAX * 1_000\n',
    breaks: 'NT-DISC-008',
    why: 'passes on messages of any length',
  },
  {
    id: 'one-topic',
    file: 'impl/node.ts',
    find: 'for (const topic of TOPICS) {',
    replace: 'for (const topic of TOPICS.slice(0, 1)) {',
    breaks: 'NT-DISC-009',
    why: 'does not listen where the specification says',
  },
])
