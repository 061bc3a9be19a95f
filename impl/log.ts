import type { ComponentLogger, Logger as ComponentLog } from '@libp2p/interface'
import { format } from 'node:util'
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { ROLE_EVENTS } from './events.ts'

/** How a log is written: for people, or one JSON object a line. */
export type LogFormat = 'text' | 'json'
export const LOG_FORMATS: readonly LogFormat[] = ['text', 'json']

/** What is written: this level and those after it. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'
export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

/** A structured log. Fields come first, the sentence last. */
export type Log = Logger

/** The fields that never hold anything but a secret. No event has one; this is for the day that one does. */
const SECRET_FIELDS = ['key', 'privateKey', 'accountKey', 'proofKey', 'hmacKey']

/** Writes synchronously: what was logged is out, whatever ends the process next. */
export function createLog(options: {
  readonly format: LogFormat
  readonly level: LogLevel
  /** Colours in text. */
  readonly colour?: boolean
  /** @default standard error */
  readonly destination?: DestinationStream
}): Log {
  const { level, colour = false, destination } = options
  const out = destination ?? pino.destination({ fd: 2, sync: true })
  const toText = prettyFactory({
    colorize: colour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'event',
  })
  const stream =
    options.format === 'json' ? out : { write: (line: string) => out.write(toText(line)) }
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [...SECRET_FIELDS, ...SECRET_FIELDS.map((field) => `*.${field}`)],
        censor: '[secret]',
      },
    },
    stream,
  )
}

/** Writes a line for each event that a role's service dispatches, with the event's detail as fields. */
export function logEvents(service: object, log: Log): void {
  for (const [event, level] of Object.entries(ROLE_EVENTS)) {
    // The services' own event maps say who dispatches what; a name that a service does not know never comes.
    ;(service as EventTarget).addEventListener(event, (emitted) => {
      const { detail } = emitted as CustomEvent<Readonly<Record<string, unknown>>>
      // A detail must not take the place of the line's own fields.
      const { level: detailLevel, time: detailTime, ...fields } = detail
      log[level](
        {
          event,
          ...fields,
          ...(detailLevel === undefined ? {} : { detailLevel }),
          ...(detailTime === undefined ? {} : { detailTime }),
        },
        event,
      )
    })
  }
}

/**
 * What libp2p and the services say to libp2p's logger: errors at level debug, because a stranger's failed connection
 * is one of them, and the rest at level trace. Nothing is formatted that is not written.
 */
export function componentLogger(log: Log): ComponentLogger {
  return {
    forComponent(name) {
      const component = log.child({ component: name })
      const at =
        (level: 'debug' | 'trace') =>
        (formatter: unknown, ...rest: unknown[]): void => {
          if (component.isLevelEnabled(level)) component[level](sentence(formatter, rest))
        }
      return Object.assign(at('trace'), {
        error: at('debug'),
        trace: at('trace'),
        enabled: component.isLevelEnabled('trace'),
        newScope: (scope: string): ComponentLog =>
          componentLogger(log).forComponent(`${name}:${scope}`),
      })
    },
  }
}

/** libp2p's own formatters (%p a peer id, %a a multiaddr, %e an error, …) all mean the value's text here. */
function sentence(formatter: unknown, values: readonly unknown[]): string {
  if (typeof formatter !== 'string') return format(formatter, ...values)
  return format(
    formatter.replaceAll(/%[peabtkc]/g, '%s'),
    ...values.map((value) => {
      if (value instanceof Error) return value.message
      // Peer ids, multiaddrs and CIDs have a text of their own.
      return isPrintable(value) ? value.toString() : value
    }),
  )
}

function isPrintable(value: unknown): value is { toString(): string } {
  return typeof value === 'object' && value !== null && value.toString !== Object.prototype.toString
}
