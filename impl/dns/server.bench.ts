// How near the DNS server comes to a socket loop that parses nothing and answers a constant: queries a second, side by
// side in one run. Each server runs in a thread of its own, dnsperf (Debian: dnsperf) asks from another process.
import dns2, { type DnsHandler } from 'dns2'
import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { answer } from './answer.ts'
import { ChallengeStore } from './challenges.ts'
import { DnsCounters } from './counters.ts'
import { readUint16 } from './records.ts'
import { openSockets } from './sockets.ts'
import { createZone } from './zone.ts'

const SECONDS = 3
const ROUNDS = 3
const TCP_CONNECTIONS = 20
const QUESTION = 'ip4203-0-113-7.nt.test'
const WANTED = { udp: 0.75, tcp: 0.6 }

type Kind = 'ours' | 'bare' | 'dns2'

if (isMainThread) await main()
else await serve(workerData as Kind)

async function main(): Promise<void> {
  // Answers nothing and ends at once when it is there.
  if (spawnSync('dnsperf', ['-h']).error !== undefined) {
    process.stderr.write(
      'dnsperf is not installed, wanted for this benchmark: apt-get install dnsperf\n',
    )
    process.exitCode = 2
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'dns-bench-'))
  const queries = join(folder, 'queries')
  await writeFile(queries, `${QUESTION} A\n`)
  try {
    for (const transport of ['udp', 'tcp'] as const) {
      const rates: Record<Kind, number[]> = { bare: [], ours: [], dns2: [] }
      // Taking turns, so that whatever else the machine does meets both.
      for (let round = 0; round < ROUNDS; round++) {
        for (const kind of ['bare', 'ours', 'dns2'] as const) {
          rates[kind].push(await measure(kind, transport, queries))
        }
      }
      const name = `DNS over ${transport.toUpperCase()}, A for ip4…`
      const beside = { unit: 'queries/s', limit: median(rates.bare) }
      report({ name, ...beside, value: median(rates.ours), atLeast: WANTED[transport] })
      report({ name: `${name}: dns2`, ...beside, value: median(rates.dns2) })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function report(measurement: object): void {
  process.stdout.write(`${JSON.stringify(measurement)}\n`)
}

async function measure(kind: Kind, transport: 'udp' | 'tcp', queries: string): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: kind })
  try {
    const [port] = (await once(worker, 'message')) as [number]
    return await dnsperf(port, transport, queries)
  } finally {
    await worker.terminate()
  }
}

async function dnsperf(port: number, transport: 'udp' | 'tcp', queries: string): Promise<number> {
  const options = ['-s', '127.0.0.1', '-p', String(port), '-d', queries, '-l', String(SECONDS)]
  options.push('-m', transport, '-c', String(TCP_CONNECTIONS), '-q', '200')
  const child = spawn('dnsperf', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  const rate = /Queries per second:\s+([\d.]+)/.exec(output)?.[1]
  if (rate === undefined) throw new Error(`dnsperf gave no rate:\n${output}`)
  return Number(rate)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

async function serve(kind: Kind): Promise<void> {
  const serves = { ours: serveOurs, bare: serveBare, dns2: serveDns2 }
  parentPort?.postMessage(await serves[kind]())
}

async function serveOurs(): Promise<number> {
  const zone = createZone({
    zone: 'nt.test',
    nameServers: [{ name: 'ns1.nt.test', addresses: ['127.0.0.1'] }],
  })
  const challenges = new ChallengeStore()
  const counters = new DnsCounters()
  const sockets = await openSockets([{ address: '127.0.0.1', port: 0 }], {
    respond: (packet, transport) => {
      const response = answer(packet, { zone, challenges, now: performance.now(), transport })
      counters.count(response, transport)
      return response
    },
    report: { dropped: () => {}, failed: () => {} },
  })
  return sockets.addresses[0]?.port ?? 0
}

/** A constant, except for the id that dnsperf tells its queries apart by. */
async function serveBare(): Promise<number> {
  const question = Buffer.from(
    '0e6970343230332d302d3131332d37026e74047465737400' + '00010001',
    'hex',
  )
  const record = Buffer.from('c00c0001000100008ca00004cb007107', 'hex')
  const header = Buffer.from('000085000001000100000000', 'hex')
  const constant = Buffer.concat([header, question, record])
  const tcp = createServer({ noDelay: true }, (socket) => {
    let pending: Buffer = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const responses: Buffer[] = []
      let position = 0
      while (position + 2 <= pending.length) {
        const end = position + 2 + readUint16(pending, position)
        if (end > pending.length) break
        const response = Buffer.allocUnsafe(2 + constant.length)
        response.writeUInt16BE(constant.length, 0)
        constant.copy(response, 2)
        pending.copy(response, 2, position + 2, position + 4)
        responses.push(response)
        position = end
      }
      pending = pending.subarray(position)
      if (responses.length > 0) socket.write(Buffer.concat(responses))
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', (packet, remote) => {
    const response = Buffer.from(constant)
    packet.copy(response, 0, 0, 2)
    udp.send(response, remote.port, remote.address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  return port
}

/** Answers with the address that the name says, and does nothing else that ours does. */
async function serveDns2(): Promise<number> {
  const handle: DnsHandler = (request, send) => {
    const response = dns2.Packet.createResponseFromRequest(request)
    const [question] = request.questions
    if (question !== undefined) {
      const digits = question.name.slice('ip4'.length, question.name.indexOf('.'))
      const answer = { ttl: 36_000, address: digits.replaceAll('-', '.') }
      response.answers.push(dns2.Packet.createResourceFromQuestion(question, answer))
    }
    void send(response)
  }
  const address = '127.0.0.1'
  const { tcp } = await dns2
    .createServer({ tcp: true, handle })
    .listen({ tcp: { port: 0, address } })
  const port = tcp?.port ?? 0
  await dns2.createServer({ udp: true, handle }).listen({ udp: { port, address } })
  return port
}
