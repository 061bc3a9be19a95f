import type { Command } from 'commander'
import { KEY_TYPES, type Capability } from '../suite/case.ts'
import { collect, collectOneOf, examples, subcommand } from './command-line.ts'
import type { CommandIo } from './io.ts'
import type { PrepareWords } from './prepare-target.ts'

/** What servers can, that is for them to say; the other capabilities follow from what is given. */
const CLAIMED: readonly Capability[] = [
  'ipv6',
  'private-addresses',
  'csr',
  'dns01-remove',
  'static-zone',
]

export function prepareCommand(io: CommandIo): Command {
  const command = subcommand(
    'prepare',
    'Make the keys of the suite and a target file, and print what your servers have to know',
  )
    .requiredOption('--zone <domain>', 'the zone of the servers')
    .option('--name <name>', 'how reports call the target', 'target')
    .option('--out <folder>', 'where target.json goes', '.')
    .option('--dns <address:port>', 'a DNS server of the zone; repeatable', collect)
    .option('--dns01 <multiaddr>', 'where it takes challenges, with /p2p; repeatable', collect)
    .option('--proof <multiaddr>', 'a proof server, with /p2p; repeatable', collect)
    .option('--issue <multiaddr>', 'the issue server, with /p2p; repeatable', collect)
    .option(
      '--acme <url>',
      'directory of the CA that the issue server uses: a staging or private one',
    )
    .option('--acme-production <host>', 'that it is a production CA, which may be asked')
    .option('--acme-ca <file>', 'PEM that verifies the HTTPS of a private CA')
    .option('--acme-root <file>', 'PEM of the roots that it issues under, to check chains')
    .option(
      '--capability <name>',
      `what the servers can; repeatable: ${CLAIMED.join(', ')}`,
      collectOneOf(CLAIMED),
    )
    .option(
      '--key-type <type>',
      `of peers that they talk with; repeatable: ${KEY_TYPES.join(', ')}`,
      collectOneOf(KEY_TYPES),
    )
    .option('--play <ip>', 'address of this machine at which the suite plays a DNS server')
    .option('--play-libp2p <port>', 'where that takes challenges (default: 4002)')
    .option('--play-dns <port>', 'where that answers queries (default: 53)')
    .option('--play-only', 'the issue server has no other DNS server, and the CA asks this one')
    .option('--play-acme <port>', 'where the suite stands before a Pebble at --acme')
    .option('--json', 'print what the servers have to know as JSON')
    .action(async (words: PrepareWords) => {
      const { prepare } = await import('./prepare.ts')
      await prepare(words, io)
    })
  return examples(command, [
    'prepare --zone nt.example.org --dns 192.0.2.53',
    'prepare --zone nt.example --issue /ip4/192.0.2.3/tcp/4003/p2p/12D3KooW… --capability csr --acme https://192.0.2.3:14000/dir --acme-ca pebble.pem --play 192.0.2.9 --play-dns 5353 --play-only --play-acme 14443',
    'prepare --zone nt.example.org --dns 192.0.2.53 --issue /ip4/192.0.2.3/tcp/4003/p2p/12D3KooW… --acme https://acme-staging-v02.api.letsencrypt.org/directory',
  ])
}
