// What a disk that is full or read-only does to everything that is written: a clear error or a correct result, nothing
// half-written, and all is well when the cause is gone, without a restart. The disk is a real file system of some
// hundred KB, which only root may make; others look at what they can.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { FsDatastore } from 'datastore-fs'
import { spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type Test } from 'tap'
import { CertificateStore } from './client/certificate-store.ts'
import { checkCertificate, type Certificate } from './client/check.ts'
import { createAuthority, createKeys, privateKeyPem, silentLogger } from './client/testing.ts'
import { budgetRules } from './issue/budgets.ts'
import { CaPause } from './issue/ca-pause.ts'
import { issueServer, type IssueServer } from './issue/index.ts'
import { Ledger } from './issue/ledger.ts'
import { Orders } from './issue/orders.ts'
import { Store } from './issue/store.ts'
import { FakeCa, type Step } from './issue/testing-ca.ts'
import { makeCaller, ZONE } from './issue/testing.ts'
import { writePrivateFile } from './keys.ts'
import { id0Name } from './wire/names.ts'

const DISK_SIZE = '512k'
const CHUNK_BYTES = 4096
const DIRECTORY_URL = 'https://ca/directory'
const proofKey = await generateKeyPair('Ed25519')

/** A small disk of its own. */
interface Disk {
  readonly folder: string
  fill(): void
  free(): void
  setReadOnly(readOnly: boolean): void
}

const isRoot = process.getuid?.() === 0
const mountable = isRoot && canMount()
const needsSmallDisk = mountable
  ? {}
  : { skip: 'needs to be root and allowed to mount a small file system' }
const needsReadOnly = mountable || (!isRoot && process.platform !== 'win32') ? {} : needsSmallDisk

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'nodetrust-disk-'))
  const mounted = mount(['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'none', folder])
  if (mounted) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return mounted
}

function mount(words: readonly string[]): boolean {
  return spawnSync('mount', words).status === 0
}

function openDisk(t: Test): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'nodetrust-disk-'))
  if (mountable && !mount(['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'none', folder])) {
    throw new Error('the small disk cannot be mounted')
  }
  t.teardown(() => {
    if (mountable) spawnSync('umount', ['--lazy', folder])
    else chmodSync(folder, 0o700)
    rmSync(folder, { recursive: true, force: true })
  })
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      for (;;) {
        try {
          appendFileSync(filler, Buffer.alloc(CHUNK_BYTES))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
          throw error
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    setReadOnly(readOnly) {
      if (!mountable) return chmodSync(folder, readOnly ? 0o500 : 0o700)
      if (!mount(['-o', `remount,${readOnly ? 'ro' : 'rw'}`, folder])) {
        throw new Error('the small disk cannot be mounted in another way')
      }
    },
  }
}

test(
  'an order on a disk that is full at any of its steps fails with a reason or succeeds, and is finished when there is room',
  needsSmallDisk,
  async (t) => {
    const steps: readonly (readonly [Step, 'before' | 'after'])[] = [
      ['account', 'before'],
      ['newOrder', 'before'],
      ['newOrder', 'after'],
      ['answerChallenge', 'after'],
      ['finalize', 'before'],
      ['finalize', 'after'],
      ['certificate', 'after'],
    ]
    let refused = 0
    for (const [step, when] of steps) {
      const title = `${when} ${step}`
      const disk = openDisk(t)
      const path = join(disk.folder, 'issue.sqlite')
      const store = new Store({ path, directoryUrl: DIRECTORY_URL })
      const ca = new FakeCa()
      const failures: string[] = []
      const orders = new Orders({
        acme: ca,
        store,
        ledger: new Ledger({
          store,
          rules: budgetRules(undefined, DIRECTORY_URL),
          zone: ZONE,
          exhausted: () => {},
        }),
        pause: new CaPause({ rows: store.budgets, paused: () => {} }),
        denied: () => false,
        challenges: { publish: async () => {}, withdraw: async () => {}, sweep: () => {} },
        report: {
          orderCreated: () => {},
          orderResumed: () => {},
          orderFailed: ({ reason }) => failures.push(reason),
          certificateIssued: () => {},
        },
        orderTimeoutMs: 20_000,
        runningMax: 1,
        waitingMax: 1,
      })
      const { privateKey, names } = await makeCaller(proofKey)
      const detail = { peer: privateKey.publicKey.toString(), names: names(['8.8.8.8']) }
      ca.hook = (name, time, call) => {
        if (name === step && time === when && call === 1) disk.fill()
      }
      // Without a CSR a key is made and stored: as much is written as can be.
      const first = await orders.obtain(detail, undefined).catch((error: Error) => error)
      if (first instanceof Error) {
        refused += 1
        t.match(first, { name: 'RefusalError', code: 'OTHER' }, title)
        await t.rejects(orders.obtain(detail, undefined), { code: 'OTHER' }, `${title}, still full`)
        t.match(failures, [/disk is full/, /disk is full/], title)
        t.ok(ca.orders.size <= 1, `${title}: asking again costs the CA nothing`)
      }
      ca.hook = () => {}
      disk.free()
      const second = await orders.obtain(detail, undefined)
      t.match(second.key, /PRIVATE KEY/, title)
      if (!(first instanceof Error)) t.equal(second.certificate, first.certificate, title)
      // Only of an order whose making could not be written down is another one made.
      t.equal(ca.orders.size, title === 'before newOrder' ? 2 : 1, title)
      store.close()
      const file = new DatabaseSync(path)
      t.equal(file.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok', title)
      t.same(file.prepare('SELECT state FROM orders').all(), [{ state: 'valid' }], title)
      file.close()
    }
    t.ok(refused >= steps.length - 1, `${refused} of ${steps.length} met the full disk`)
  },
)

function openIssueServer(storePath: string): IssueServer {
  return issueServer({
    zone: ZONE,
    proofServers: [],
    proofKeys: [proofKey.publicKey],
    dnsServers: [
      {
        addresses: [
          multiaddr(`/ip4/127.0.0.1/tcp/9/p2p/${peerIdFromPrivateKey(proofKey).toString()}`),
        ],
        query: { address: '127.0.0.1', port: 9 },
      },
    ],
    acme: { directoryUrl: DIRECTORY_URL },
    storePath,
  })({
    registrar: { handle: async () => {}, unhandle: async () => {} } as never,
    connectionManager: { openStream: () => Promise.reject(new Error('no network')) },
    logger: { forComponent: () => silentLogger },
  })
}

test(
  'an issue server on a full disk does not start and says why, and starts when there is room',
  needsSmallDisk,
  async (t) => {
    const disk = openDisk(t)
    const server = openIssueServer(join(disk.folder, 'issue.sqlite'))
    disk.fill()
    await t.rejects(server.start(), /store.*(disk is full|disk I\/O error)/)
    disk.free()
    await server.start()
    disk.fill()
    t.throws(() => server.probeStore(), /disk is full/, 'its health tells')
    disk.free()
    server.probeStore()
    await server.stop()
  },
)

test(
  'an issue server with a store that is read-only does not start and says why, and starts when it may write',
  needsReadOnly,
  async (t) => {
    const disk = openDisk(t)
    const path = join(disk.folder, 'issue.sqlite')
    const server = openIssueServer(path)
    disk.setReadOnly(true)
    await t.rejects(server.start(), /cannot open the store ".*issue\.sqlite": /, 'no file yet')
    disk.setReadOnly(false)
    await server.start()
    await server.stop()
    const account = (): unknown => {
      const file = new DatabaseSync(path, { readOnly: true })
      const found = file.prepare('SELECT key FROM accounts').all()
      file.close()
      return found
    }
    const before = account()
    if (!mountable) chmodSync(path, 0o400)
    disk.setReadOnly(true)
    await t.rejects(server.start(), /cannot open the store ".*issue\.sqlite": /)
    disk.setReadOnly(false)
    if (!mountable) chmodSync(path, 0o600)
    await server.start()
    await server.stop()
    t.same(account(), before, 'the account is the same')
  },
)

test('an issue server whose store is no store does not start, holds nothing of it, and starts when it is put right', async (t) => {
  const path = join(t.testdir({ 'issue.sqlite': 'x'.repeat(CHUNK_BYTES) }), 'issue.sqlite')
  const server = openIssueServer(path)
  await t.rejects(server.start(), /cannot open the store ".*issue\.sqlite": file is not a database/)
  t.equal(readFileSync(path, 'utf8').length, CHUNK_BYTES, 'nothing was written over it')
  rmSync(path)
  await server.start()
  await server.stop()
})

test(
  'a key file on a full disk is written whole or not at all, and the old one stays',
  needsSmallDisk,
  async (t) => {
    const disk = openDisk(t)
    const [old, fresh] = [join(disk.folder, 'old.key'), join(disk.folder, 'fresh.key')]
    await writePrivateFile(old, 'the old key')
    disk.fill()
    const text = 'x'.repeat(3 * CHUNK_BYTES)
    await t.rejects(writePrivateFile(fresh, text), {
      message: `file "${fresh}" cannot be written: the disk is full (ENOSPC)`,
    })
    await t.rejects(writePrivateFile(old, text, { force: true }), /old\.key" .*disk is full/)
    t.strictSame(readdirSync(disk.folder).toSorted(), ['filler', 'old.key'])
    t.equal(readFileSync(old, 'utf8'), 'the old key')
    disk.free()
    await writePrivateFile(fresh, text)
    t.equal(readFileSync(fresh, 'utf8'), text)
    await t.rejects(writePrivateFile(fresh, 'another'), { message: /exists already/ })
    t.strictSame(readdirSync(disk.folder).toSorted(), ['fresh.key', 'old.key'])
  },
)

test('a key file on a read-only disk is an error that says so', needsReadOnly, async (t) => {
  const disk = openDisk(t)
  disk.setReadOnly(true)
  await t.rejects(writePrivateFile(join(disk.folder, 'a.key'), 'key'), {
    message: /a\.key" (cannot be written: its disk is read-only|may not be used by this user)/,
  })
  disk.setReadOnly(false)
  await writePrivateFile(join(disk.folder, 'a.key'), 'key')
})

test(
  'NT-CLIENT-013 a client whose datastore is full or read-only keeps the certificate that it had stored, and stores the next one when it can',
  needsSmallDisk,
  async (t) => {
    const disk = openDisk(t)
    const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const authority = await createAuthority()
    const certificate = async (): Promise<Certificate> => {
      const idName = id0Name(self.toMultihash().bytes, ZONE)
      const addressNames = [`ip4203-0-113-7.${ZONE}`]
      const keys = await createKeys()
      const leaf = await authority.sign({
        names: [idName, ...addressNames],
        publicKey: keys.publicKey,
      })
      return checkCertificate({
        chain: leaf + authority.intermediate,
        keys: [await privateKeyPem(keys)],
        zone: ZONE,
        idName,
        addressNames,
        claimedNames: addressNames,
        now: Date.now(),
      })
    }
    const datastore = new FsDatastore(join(disk.folder, 'data'))
    await datastore.open()
    const stored = async (): Promise<string | undefined> =>
      (await new CertificateStore(datastore, self, silentLogger).load(Date.now()))?.serial
    const store = new CertificateStore(datastore, self, silentLogger)
    const [first, second] = [await certificate(), await certificate()]
    const key = await store.pendingKey()
    await store.save(first)
    t.equal(await stored(), first.serial)
    disk.fill()
    await store.save(second)
    t.equal(await stored(), first.serial, 'what was stored is whole')
    const next = await store.pendingKey()
    t.not(next, key)
    t.equal(await store.pendingKey(), next, 'a key that cannot be stored is the same all the same')
    disk.free()
    await store.save(second)
    t.equal(await stored(), second.serial)
    disk.setReadOnly(true)
    await store.save(first)
    t.equal(await stored(), second.serial, 'read-only')
    disk.setReadOnly(false)
    await store.save(first)
    t.equal(await stored(), first.serial)
  },
)
