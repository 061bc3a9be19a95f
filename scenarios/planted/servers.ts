// Bugs of proof servers and DNS servers, and of what all servers do with streams.
import { bugsOf, SEEN } from './bug.ts'

export const SERVER_BUGS = bugsOf('servers', [
  {
    id: 'address-of-the-last-caller',
    file: 'impl/proof/index.ts',
    find: 'const address = this.#provenAddress(connection)',
    replace: `const kept = this as { last?: IpAddress }
      const seen = this.#provenAddress(connection)
      const address = kept.last ?? seen
      kept.last = seen`,
    breaks: ['NT-PROOF-004', 'NT-PROOF-013'],
    seenBy: [SEEN.proofs],
    why: 'keeps what it saw where the next request finds it',
  },
  {
    id: 'stream-not-released',
    file: 'impl/wire/serve.ts',
    find: `        await stream.close({ signal: requestSignal() })
        await ended(stream, requestSignal())`,
    replace: '',
    breaks: ['NT-WIRE-003', 'NT-WIRE-009'],
    seenBy: [SEEN.leftOpen, SEEN.certified, SEEN.calm],
    why: 'leaves its own side of a stream open when it has answered',
  },
  {
    id: 'frame-cut-in-two',
    file: 'impl/wire/frames.ts',
    find: '      this.#offset += part.length\n',
    replace: '      this.#offset = part.length\n',
    breaks: ['NT-WIRE-001'],
    seenBy: [SEEN.certified, SEEN.calm],
    why: 'begins each piece of a frame where the piece before it ended, and not where it is',
  },
  {
    id: 'writer-not-compared',
    file: 'impl/dns/dns01.ts',
    find: 'if (!this.#writers.has(peerKey(connection.remotePeer))) {',
    replace: 'if (this.#writers.size === 0) {',
    breaks: ['NT-DNS01-001'],
    seenBy: [SEEN.challenges],
    why: 'lets everybody write once there is a writer',
  },
  {
    id: 'removal-of-all-values',
    file: 'impl/dns/challenges.ts',
    find: '    values?.delete(value)\n',
    replace: '    values?.clear()\n',
    breaks: ['NT-DNS01-007', 'NT-DNS01-015'],
    seenBy: [SEEN.challenges, SEEN.calm],
    why: "removes another order's value with its own",
  },
  {
    id: 'removal-not-done',
    file: 'impl/dns/challenges.ts',
    find: '    values?.delete(value)\n    if (values?.size === 0) {',
    replace: '    if (values?.size === 0) {',
    breaks: ['NT-DNS01-008', 'NT-DNS01-015'],
    seenBy: [SEEN.challenges],
    why: 'forgets that a value ends, and goes on answering it',
  },
  {
    id: 'no-aaaa',
    file: 'impl/dns/answer.ts',
    find: 'if (node.records.length === 1) return first.type === type ? node.records : NONE',
    replace:
      'if (node.records.length === 1) return type === TYPE.A || type === TYPE.TXT || type === TYPE.CAA ? node.records.filter((one) => one.type === type) : NONE',
    breaks: ['NT-DNS-012'],
    seenBy: [SEEN.answers],
    why: 'answers for IPv4 only',
  },
  {
    id: 'sockets-not-closed',
    file: 'impl/dns/index.ts',
    find: '    this.#sockets = undefined\n    await sockets?.close()',
    replace: '    this.#sockets = undefined\n    void sockets',
    breaks: [],
    seenBy: [SEEN.socket, SEEN.timer],
    why: 'listens on after its end',
  },
])
