// Bugs of clients: when they ask, what they keep, and what they show.
import { bugsOf, SEEN } from './bug.ts'

export const CLIENT_BUGS = bugsOf('client', [
  {
    id: 'reset-taken-for-an-answer',
    file: 'impl/client/keeper.ts',
    find: '        this.#renewal.setIn(waitMs)\n',
    replace: '        if (failure.code !== undefined) this.#renewal.setIn(waitMs)\n',
    breaks: ['NT-CLIENT-015'],
    seenBy: [SEEN.certified],
    why: 'takes a broken connection for the last word',
  },
  {
    id: 'back-off-without-jitter',
    file: 'impl/client/renewal.ts',
    find: 'return Math.min(grown, limits.maximumMs) * (0.5 + random / 2)',
    replace: 'return Math.min(grown, limits.maximumMs) * (0.5 + 1 / 2)',
    breaks: ['NT-CLIENT-015'],
    seenBy: [SEEN.waits],
    why: 'clients that failed together come back together',
  },
  {
    id: 'back-off-not-growing',
    file: 'impl/client/renewal.ts',
    find: 'limits.initialMs * factor * 2 ** Math.min(failures - 1, 30)',
    replace: 'limits.initialMs * factor',
    breaks: ['NT-CLIENT-015'],
    seenBy: [SEEN.waits],
    why: 'asks a server that is down as often as ever',
  },
  {
    id: 'timer-of-31-bits',
    file: 'impl/client/alarm.ts',
    find: `      if (remainingMs() > 0) return this.#wait(remainingMs, options)
`,
    replace: '',
    breaks: ['NT-CLIENT-012', 'NT-DISC-006'],
    seenBy: [SEEN.certified, SEEN.calm, SEEN.expired],
    why: 'takes the end of its longest timer for the end of the wait',
  },
  {
    id: 'timer-over-31-bits',
    file: 'impl/client/alarm.ts',
    find: `    if (options.looking && lookMs === LOOK_MS_MAX && this.#looks !== undefined) {
      this.#look = again
      this.#looks.next(again)
    } else {
      this.#timer = setTimeout(again, Math.min(leftMs, options.looking ? lookMs : TIMER_MS_MAX))
    }
`,
    replace: `    this.#timer = setTimeout(again, leftMs)
`,
    breaks: ['NT-CLIENT-012'],
    seenBy: [SEEN.idle],
    why: 'sets timers past 2^31 - 1 ms, which Node fires at once: it looks a thousand times a second whether it is time',
  },
  {
    id: 'wait-by-the-time-of-day',
    file: 'impl/client/alarm.ts',
    find: `    const end = performance.now() + delayMs
    this.#wait(() => end - performance.now(), { looking: false })`,
    replace: `    const end = Date.now() + delayMs
    this.#wait(() => end - Date.now(), { looking: false })`,
    breaks: ['NT-CLIENT-015'],
    seenBy: [SEEN.certified],
    why: 'waits by a clock that can be set: one that was an hour ahead for a while has it wait for an hour',
  },
  {
    id: 'key-lost',
    file: 'impl/client/certificate-store.ts',
    find: '      key: certificate.key,\n',
    replace: "      key: this.#pendingKey ?? '',\n",
    breaks: ['NT-CLIENT-013'],
    seenBy: [SEEN.stored, SEEN.kept],
    why: 'stores the key that it has made last, which is none by then',
  },
  {
    id: 'pending-key-made-anew',
    file: 'impl/client/certificate-store.ts',
    find: "      if (createPrivateKey(pem).asymmetricKeyType === 'ec') return pem\n",
    replace: "      if (createPrivateKey(pem).asymmetricKeyType !== 'ec') return pem\n",
    breaks: ['NT-CLIENT-013', 'NT-ISSUE-031'],
    seenBy: [SEEN.orders],
    why: 'has another key after a restart, so that the order that runs is not its own any more',
  },
  {
    id: 'served-after-its-end',
    file: 'impl/client/client.ts',
    find: '        this.#listeners.retire()\n',
    replace: '',
    breaks: ['NT-CLIENT-012', 'NT-CLIENT-010'],
    seenBy: [SEEN.expired],
    why: 'goes on serving a certificate that has ended',
  },
  {
    id: 'announced-after-its-end',
    file: 'impl/client/client.ts',
    find: 'return lapsed ? [] : this.#addresses',
    replace: 'return lapsed && this.#addresses.length === 0 ? [] : this.#addresses',
    breaks: ['NT-DISC-006'],
    seenBy: [SEEN.expired],
    why: 'announces a certificate that ended when the clock was set',
  },
  {
    id: 'end-not-noticed',
    file: 'impl/client/keeper.ts',
    find: '    this.#expiry.set(certificate.notAfter)\n',
    replace: '',
    breaks: ['NT-CLIENT-012', 'NT-DISC-006'],
    seenBy: [SEEN.expired],
    why: 'never looks when its certificate ends',
  },
  {
    id: 'address-change-not-noticed',
    file: 'impl/client/client.ts',
    find: '    this.#addressCheck.setIn(checkAt - now)\n',
    replace: '',
    breaks: ['NT-CLIENT-014'],
    seenBy: [SEEN.certified],
    why: 'stays at the address that it had',
  },
  {
    id: 'old-address-kept',
    file: 'impl/client/keeper.ts',
    find: '      addressNames.every((name) => certificate.names.includes(name)) &&',
    replace: '      addressNames.every((name) => name.endsWith(zone)) &&',
    breaks: ['NT-CLIENT-014'],
    seenBy: [SEEN.certified],
    why: 'finds out that it has moved, and goes on with the certificate for where it was',
  },
  {
    id: 'one-family-proven',
    file: 'impl/client/proofs.ts',
    find: '      onProof(proof)\n',
    replace: '      onProof(proof)\n      break\n',
    breaks: ['NT-CLIENT-002'],
    seenBy: [SEEN.certified],
    why: 'asks a proof server once, by whatever family comes first',
  },
  {
    id: 'connection-left-open',
    file: 'impl/client/exchange.ts',
    find: '    if (fresh) connection?.close().catch((error: Error) => connection?.abort(error))\n',
    replace: '    void (fresh && connection)\n',
    breaks: ['NT-CLIENT-014'],
    seenBy: [SEEN.leftOpen],
    why: 'keeps each connection that it made for one question',
  },
  {
    id: 'timer-left',
    file: 'impl/client/announce.ts',
    find: '  stop(): void {\n    this.pause()\n',
    replace: '  stop(): void {\n',
    breaks: ['NT-CLIENT-016'],
    seenBy: [SEEN.timer],
    why: 'goes on announcing after its end',
  },
])
