// Logs: what reaches a line, at which level, and what never does.
import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { test } from 'tap'
import { ROLE_EVENTS } from './events.ts'
import { componentLogger, createLog, logEvents, type LogFormat, type LogLevel } from './log.ts'

function record(level: LogLevel, format: LogFormat = 'json') {
  const written: string[] = []
  const destination = { write: (line: string) => void written.push(line) }
  const log = createLog({ format, level, destination })
  return { log, written, lines: () => written.map((line) => JSON.parse(line) as unknown) }
}

test('every event of a role is one line with its level, its detail and its role', (t) => {
  const { log, lines } = record('debug')
  const service = new TypedEventEmitter()
  logEvents(service, log.child({ role: 'dns' }))
  for (const event of Object.keys(ROLE_EVENTS)) {
    service.safeDispatchEvent(event, { detail: { peer: 'somebody', level: 9, time: 'never' } })
  }
  t.match(
    lines(),
    Object.entries(ROLE_EVENTS).map(([event, level]) => ({
      level,
      event,
      role: 'dns',
      peer: 'somebody',
      msg: event,
      time: /^\d{4}-\d\d-\d\dT/,
    })),
  )
  t.equal(lines().length, Object.keys(ROLE_EVENTS).length)
  t.end()
})

test('an event below the level is not written', (t) => {
  const { log, written } = record('warn')
  const service = new TypedEventEmitter()
  logEvents(service, log)
  service.safeDispatchEvent('order:created', { detail: {} })
  t.strictSame(written, [])
  t.end()
})

test('a secret that gets into a detail is not written in either format', (t) => {
  for (const format of ['json', 'text'] as const) {
    const { log, written } = record('info', format)
    log.info({ key: 'S3CRET', account: { privateKey: 'S3CRET', hmacKey: 'S3CRET' } }, 'made')
    t.notMatch(written.join(), /S3CRET/, format)
    t.match(written.join(), /made/, format)
  }
  t.end()
})

test('text of a stranger cannot make lines of its own', (t) => {
  for (const format of ['json', 'text'] as const) {
    const { log, written } = record('info', format)
    log.info({ reason: 'x\n[10:00:00.000] INFO: forged\u001b[2J' }, 'refused')
    t.match(written.join('').split('\n'), [/refused/, ''], format)
    t.notMatch(written.join(''), '\u001b', format)
  }
  t.end()
})

test("libp2p's errors are lines of level debug, and what it traces is not formatted in vain", (t) => {
  const { log, lines } = record('debug')
  const component = componentLogger(log).forComponent('libp2p:tcp')
  const unformatted = {
    toString(): string {
      throw new Error('formatted in vain')
    },
  }
  component('dialing %a', unformatted)
  component.trace('%p', unformatted)
  const address = multiaddr('/ip4/127.0.0.1/tcp/1')
  component.error('could not dial %a - %e', address, new Error('refused'))
  component.newScope('socket').error('gone %d times', 2)
  t.match(lines(), [
    {
      level: 'debug',
      component: 'libp2p:tcp',
      msg: 'could not dial /ip4/127.0.0.1/tcp/1 - refused',
    },
    { level: 'debug', component: 'libp2p:tcp:socket', msg: 'gone 2 times' },
  ])
  t.end()
})
