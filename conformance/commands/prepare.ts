import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  createHttpsCertificate,
  type HttpsCertificate,
} from '../../scenarios/engine/ca/https-certificate.ts'
import { generateKeyTexts } from '../suite/keys.ts'
import { errorCode, makeFolder, readText } from '../suite/files.ts'
import { UsageError } from '../suite/problems.ts'
import { parseTarget } from '../suite/read-target.ts'
import { jsonText, type CommandIo } from './io.ts'
import { factsText, type Facts } from './prepare-facts.ts'
import { refuseProductionCa } from './production-ca.ts'
import {
  describeTarget,
  directoryUrlAt,
  listenOn,
  readPlay,
  type PrepareWords,
} from './prepare-target.ts'

/**
 * `prepare`: makes the suite's keys and a target file, and says what the operator of the servers puts into their
 * configuration, so that the suite may do what a check needs.
 */
export async function prepare(words: PrepareWords, io: CommandIo): Promise<void> {
  const play = readPlay(words)
  refuseProductionCa([words.acme], words)
  const [writer, proofSigner, player, acmeCa, acmeRoot] = await Promise.all([
    generateKeyTexts(),
    generateKeyTexts(),
    generateKeyTexts(),
    readGiven(words.acmeCa),
    readGiven(words.acmeRoot),
  ])
  const https =
    play?.acme === undefined
      ? undefined
      : await createHttpsCertificate({
          hosts: [...new Set(['127.0.0.1', 'localhost', play.address])],
        })
  const target = describeTarget({
    words,
    play,
    keys: { writer, proofSigner, player },
    https,
    acmeCa,
    acmeRoot,
  })
  const file = join(words.out, 'target.json')
  // What was given on the command line can be wrong as well.
  parseTarget(JSON.stringify(target), `what was given for ${file}`)
  await save(file, jsonText(target))
  const facts: Facts = {
    file,
    secret: words.dns01 !== undefined || words.issue !== undefined,
    ...(words.dns01 === undefined ? {} : { writer: writer.peerId }),
    ...(words.issue === undefined ? {} : { proofKey: proofSigner.publicKey }),
    ...(play === undefined
      ? {}
      : {
          dnsServer: {
            address: `${listenOn(play)}/p2p/${player.peerId}`,
            query: { address: play.address, port: play.dns },
            only: play.only,
          },
        }),
    ...(play?.acme === undefined || https === undefined
      ? {}
      : {
          acme: {
            directoryUrl: directoryUrlAt(play.address, play.acme.port, play.acme.directoryUrl),
            certificateFile: await saveCertificate(words.out, https),
          },
        }),
  }
  io.write(words.json === true ? jsonText(facts) : factsText(facts, words))
}

async function readGiven(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : await readText(file)
}

async function saveCertificate(out: string, { certificate }: HttpsCertificate): Promise<string> {
  const file = join(out, 'played-ca.pem')
  await writeFile(file, certificate)
  return file
}

/** Holds private keys. A target that is there already is not replaced: its keys stand in somebody's configuration. */
async function save(file: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(file))
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const code = errorCode(error)
    throw new UsageError(
      code === 'EEXIST'
        ? `file "${file}" exists already, and servers may know its keys: choose another --out`
        : `file "${file}" cannot be written (${code})`,
    )
  }
}
