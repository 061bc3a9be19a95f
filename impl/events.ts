/** How loudly a log tells an event: what needs a person, what changed, what is ordinary traffic. */
export type EventLevel = 'warn' | 'info' | 'debug'

/**
 * Every event that the servers and the client dispatch, and its level. Logs, metrics and timelines are made of these:
 * the details are plain data, and none of them is a secret.
 */
export const ROLE_EVENTS = {
  'proof:signed': 'debug',
  'proof:refused': 'debug',
  'challenge:set': 'debug',
  'challenge:removed': 'debug',
  'challenge:failed': 'warn',
  'writer:refused': 'warn',
  'dns:error': 'warn',
  'request:received': 'debug',
  'request:refused': 'info',
  'stream:failed': 'debug',
  'budget:exhausted': 'warn',
  'ca:paused': 'warn',
  'denylist:loaded': 'info',
  'denylist:broken': 'warn',
  'order:created': 'info',
  'order:resumed': 'info',
  'order:failed': 'warn',
  'certificate:issued': 'info',
  'renewal:suggested': 'info',
  'certificate:obtained': 'info',
  'certificate:renewed': 'info',
  'certificate:failed': 'warn',
  'certificate:expired': 'warn',
  'renewal:advised': 'info',
  'proof:received': 'debug',
  'proof:failed': 'info',
  'addresses:changed': 'info',
  announced: 'debug',
} as const satisfies Readonly<Record<string, EventLevel>>

export type RoleEvent = keyof typeof ROLE_EVENTS
