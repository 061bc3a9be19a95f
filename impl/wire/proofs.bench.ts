// How much judging a proof costs beside the check of its signature, which nobody can leave out.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { ProofWrapper } from './messages.ts'
import { signProof, verifyProof } from './proofs.ts'

const ROUNDS = 5
const PROOFS = 3_000

const key = await generateKeyPair('Ed25519')
const callerId = (await generateKeyPair('Ed25519')).publicKey.toMultihash().bytes
const now = Date.now()
const wrapper = await signProof({
  id: callerId,
  addresses: [{ family: 4, address: '203.0.113.7' }],
  now,
  key,
})
const { proof, signature } = ProofWrapper.decode(wrapper)
const keys = [key.publicKey]

const rates = { ours: [] as number[], bare: [] as number[] }
for (let round = 0; round < ROUNDS; round++) {
  rates.bare.push(await rate(async () => key.publicKey.verify(proof, signature)))
  rates.ours.push(
    await rate(async () => (await verifyProof(wrapper, { keys, callerId, now })).valid),
  )
}
process.stdout.write(
  `${JSON.stringify({
    name: 'proofs verified',
    unit: 'proofs/s',
    value: median(rates.ours),
    limit: median(rates.bare),
    atLeast: 0.8,
  })}\n`,
)

async function rate(verify: () => Promise<boolean>): Promise<number> {
  const startMs = performance.now()
  for (let count = 0; count < PROOFS; count++) {
    if (!(await verify())) throw new Error('a good proof was refused')
  }
  return (PROOFS / (performance.now() - startMs)) * 1_000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
