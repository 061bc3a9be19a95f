import { TYPE } from '../../dns/codes.ts'
import type { Case } from '../../suite/case.ts'
import { missing, missingProbes, sampleProbes } from './address-names.ts'
import { holds } from './judge.ts'
import { probeCase } from './probe.ts'
import { ID0_SAMPLES } from './samples.ts'

/** Close to a peer id in base36, and none. */
const NO_IDS = [
  'p',
  'p-',
  'p_',
  'p_a',
  'pab-c',
  'proof',
  'p0',
  'pa',
  // The Ed25519 sample without the letter for its leading zero byte: another number of bytes.
  'pmvv6akrdswr30dcmy8al2td3s85su1ptosw2qkojvrgie9lbdcpivzm3y',
  // The RSA sample with digits before letters, as multibase `k` and big integers write it.
  'pmujzclp7weddfqr5yq1ej2csf4axrt7sfhm91tgnw9z1d0au0uey',
  // Its last digit is missing, or one too many.
  'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o',
  'pw4t9mvzh6onnp01f80botcm2pek713h2prwjb3qx6j9bnak4a4o8a',
] as const

export const ID0_NAME_CASES: readonly Case[] = [
  probeCase({
    id: 'NT-DNS-020/id-of-an-rsa-key',
    title: 'answers TXT for the name of a peer id with `id=` and the id in base58, in one string',
    probes: (target) => sampleProbes([ID0_SAMPLES.rsa], TYPE.TXT, target),
  }),
  probeCase({
    id: 'NT-DNS-021/id-in-upper-case',
    title: 'reads the label of a peer id in any case',
    probes: ({ zone }) => {
      const { label, text } = ID0_SAMPLES.rsa
      return [label.toUpperCase(), `P${label.slice(1, 20).toUpperCase()}${label.slice(20)}`].map(
        (name) => ({
          query: { name: `${name}.${zone}`, type: TYPE.TXT },
          expected: `NOERROR with the one record ${text}`,
          judge: holds(TYPE.TXT, [text]),
        }),
      )
    },
  }),
  probeCase({
    id: 'NT-DNS-022/ids-of-ed25519-and-secp256k1-keys',
    title: 'answers for ids that are keys themselves, which begin with a zero byte',
    probes: (target) =>
      sampleProbes([ID0_SAMPLES.ed25519, ID0_SAMPLES.secp256k1], TYPE.TXT, target),
  }),
  probeCase({
    id: 'NT-DNS-023/no-ids',
    title: 'answers NXDOMAIN where a `p` label holds no peer id',
    probes: (target) => missingProbes(NO_IDS, TYPE.TXT, target),
  }),
  probeCase({
    id: 'NT-DNS-018/deeper-ids',
    title: 'answers NXDOMAIN for the name of a peer id that is not directly below the zone',
    probes: ({ zone }) => [
      missing(`${ID0_SAMPLES.rsa.label}.a.${zone}`, TYPE.TXT),
      missing(`a.${ID0_SAMPLES.rsa.label}.${zone}`, TYPE.TXT),
    ],
  }),
]
