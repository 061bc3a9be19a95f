// Proof servers that are wrong in one way: whom they speak of, what they saw, when, and who says so.
import { mutantsOf } from './mutant.ts'

export const PROOF_MUTANTS = mutantsOf('proof', [
  {
    id: 'proof-beside-an-error',
    file: 'impl/proof/index.ts',
    find: 'return { error: ERROR_CODES.OK, proof }',
    replace: 'return { error: ERROR_CODES.OTHER, proof }',
    breaks: 'NT-PROOF-001',
    neighbours: ['NT-PROOF-*', 'NT-WIRE-*'],
    why: 'gives the proof, and an error with it',
  },
  {
    id: 'id-of-the-server',
    file: 'impl/proof/index.ts',
    find: 'id: connection.remotePeer.toMultihash().bytes,',
    replace: 'id: this.#components.privateKey.publicKey.toMultihash().bytes,',
    breaks: 'NT-PROOF-002',
    neighbours: ['NT-PROOF-013'],
    why: 'the id in the proof is that of another peer',
  },
  {
    id: 'clock-in-seconds',
    file: 'impl/proof/index.ts',
    find: 'addresses: [address],\n        now: Date.now(),',
    replace: 'addresses: [address],\n        now: Math.floor(Date.now() / 1000),',
    breaks: 'NT-PROOF-003',
    neighbours: ['NT-PROOF-014'],
    why: 'writes seconds where milliseconds are wanted',
  },
  {
    id: 'address-of-the-server',
    file: 'impl/proof/index.ts',
    find: 'addresses: [address],\n',
    replace: "addresses: [{ family: 4, address: '127.0.0.1' }],\n",
    breaks: 'NT-PROOF-004',
    why: 'sees the near end of the connection, as behind a proxy',
  },
  {
    id: 'mapped-address',
    file: 'impl/proof/index.ts',
    find: 'addresses: [address],\n',
    replace: `addresses: [
          address.family === 4 ? { family: 6, address: '::ffff:' + address.address } : address,
        ],\n`,
    breaks: 'NT-PROOF-008',
    neighbours: ['NT-PROOF-004'],
    why: 'writes what a socket for both families says',
  },
  {
    id: 'signature-over-the-id',
    file: 'impl/wire/proofs.ts',
    find: 'signature: await statement.key.sign(proof)',
    replace: 'signature: await statement.key.sign(statement.id)',
    breaks: 'NT-PROOF-005',
    // Two proofs for one peer have one signature.
    neighbours: ['NT-PROOF-014'],
    why: 'signs a part: time and addresses can be changed',
  },
  {
    id: 'two-addresses',
    file: 'impl/proof/index.ts',
    find: 'addresses: [address],\n',
    replace: 'addresses: [address, address],\n',
    breaks: 'NT-PROOF-004',
    neighbours: ['NT-PROOF-013'],
    why: 'states more than it saw',
  },
  {
    id: 'callers-mixed',
    file: 'impl/proof/index.ts',
    find: `const address = this.#provenAddress(connection)
      const proof = await signProof({
        id: connection.remotePeer.toMultihash().bytes,`,
    replace: `const address = this.#provenAddress(connection)
      Object.assign(this, { caller: connection.remotePeer })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const proof = await signProof({
        id: this['caller'].toMultihash().bytes,`,
    breaks: 'NT-PROOF-013',
    neighbours: ['NT-PROOF-002'],
    why: 'keeps the caller of a request where the next request finds it',
  },
  {
    id: 'never-limited',
    file: 'impl/proof/index.ts',
    find: 'if (this.#limiter?.take(key, now) === false) {',
    replace: 'if (this.#limiter?.take(key, now) === undefined) {',
    breaks: 'NT-PROOF-011',
    why: 'signs as often as anybody asks',
  },
  {
    id: 'waits-for-bytes',
    file: 'impl/proof/index.ts',
    find: 'await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)',
    replace: `await frames.read(requestSignal)
        await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)`,
    breaks: 'NT-WIRE-004',
    neighbours: ['NT-WIRE-*', 'NT-PROOF-*'],
    why: 'wants a request where none is sent',
  },
  {
    id: 'answers-twice',
    file: 'impl/proof/index.ts',
    find: 'await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)',
    replace: `await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)
        await frames.write(ProofResponse.encode(await this.#answer(connection)), requestSignal)`,
    breaks: 'NT-WIRE-003',
    neighbours: ['NT-WIRE-004', 'NT-WIRE-005'],
    why: 'writes one frame more',
  },
  {
    id: 'half-open-for-ever',
    file: 'impl/wire/serve.ts',
    find: 'await ended(stream, requestSignal())',
    replace: 'await ended(stream, new AbortController().signal)',
    breaks: 'NT-WIRE-009',
    why: 'waits for ever for the other side to end its own',
  },
  {
    id: 'length-in-four-bytes',
    file: 'impl/wire/frames.ts',
    find: 'prefix.push(length)\n',
    replace: 'prefix.splice(0, prefix.length, 0, 0, message.length >> 8, message.length & 255)\n',
    breaks: 'NT-WIRE-001',
    neighbours: ['NT-WIRE-*', 'NT-PROOF-*'],
    why: 'writes lengths as most protocols do, big-endian in four bytes',
  },
])
