// What is known of a connection to a queue by its errors: no queue is there.
import { Redis } from 'ioredis'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'tap'
import { freePorts } from '../../engine/ca/index.ts'
import { isOfConnection, reasonOf } from './connection.ts'
import { watchLoss } from './loss.ts'

test('a host of which no address answers has lost its connection, and says why', async (t) => {
  const [port] = await freePorts()
  const refused = async (addresses: readonly string[]): Promise<Error> => {
    const socket = connect({
      host: 'queue.test',
      port,
      autoSelectFamily: true,
      lookup: (_name, _options, found) =>
        found(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        ),
    })
    return await once(socket, 'error').then(([error]) => error as Error)
  }
  const many = await refused(['127.0.0.1', '127.0.0.2'])
  t.equal(many.message, '', 'Node says nothing of all of them together')
  const url = `redis://127.0.0.1:${port}`
  for (const [error, reason] of [
    [many, /^ECONNREFUSED$/],
    [await refused(['127.0.0.1']), /^connect ECONNREFUSED 127\.0\.0\.1:/],
  ] as const) {
    t.ok(isOfConnection(error))
    t.match(reasonOf(error), reason)
    const redis = new Redis(url, { lazyConnect: true })
    const told: string[] = []
    using _loss = watchLoss(redis, { url, report: (line) => told.push(line) })
    redis.emit('error', error)
    redis.emit('reconnecting', 100)
    t.same(told, [`the queue "${url}" is lost: ${reasonOf(error)}; it is tried again`])
  }
  t.ok(isOfConnection(new Error('Connection is closed.')))
  const refusal = Object.assign(new Error('Missing lock for job 1. finished'), { code: -2 })
  t.notOk(isOfConnection(refusal), 'that of BullMQ for one job is told')
})
