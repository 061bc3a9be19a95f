import crypto from 'node:crypto'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { test } from 'tap'
import { freePorts } from './ports.ts'

const ELSEWHERE = '127.0.0.2'

test('ports that are given are free at the address where they are wanted', async (t) => {
  const [taken] = await freePorts(ELSEWHERE)
  const server = createServer().listen({ host: ELSEWHERE, port: taken })
  await once(server, 'listening')
  const { randomInt } = crypto
  let drawn = 0
  Object.assign(crypto, { randomInt: () => (drawn++ === 0 ? taken : randomInt(20_000, 32_768)) })
  syncBuiltinESMExports()
  t.teardown(() => {
    Object.assign(crypto, { randomInt })
    syncBuiltinESMExports()
    server.close()
  })
  t.notOk((await freePorts(ELSEWHERE)).includes(taken))
  t.ok(drawn > 2, 'the taken one was drawn')
})
