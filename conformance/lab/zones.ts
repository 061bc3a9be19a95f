import { NAME_SERVERS, ROOT, TLD, TLD_HOST, ZONE, type LabHost } from './network.ts'

/** The root and the top-level domain, as their zone files. */
export function parentZones(): Readonly<Record<string, string>> {
  return {
    '.': [
      '$ORIGIN .',
      soa(ROOT.name),
      `@ 86400 IN NS ${ROOT.name}.`,
      ...glue(ROOT),
      `${TLD}. 86400 IN NS ${TLD_HOST.name}.`,
      ...glue(TLD_HOST),
      '',
    ].join('\n'),
    [TLD]: [
      `$ORIGIN ${TLD}.`,
      soa(TLD_HOST.name),
      `@ 86400 IN NS ${TLD_HOST.name}.`,
      ...glue(TLD_HOST),
      // What the owner of the zone is asked for by README.md: NS, and glue for names in the zone.
      ...NAME_SERVERS.map(({ name }) => `${ZONE}. 3600 IN NS ${name}.`),
      ...NAME_SERVERS.flatMap(glue),
      '',
    ].join('\n'),
  }
}

/** The file by which a resolver finds the root. */
export function rootHints(): string {
  return [`. 3600000 IN NS ${ROOT.name}.`, ...glue(ROOT), ''].join('\n')
}

function soa(primary: string): string {
  return `@ 86400 IN SOA ${primary}. hostmaster.${primary}. 1 14400 3600 1209600 300`
}

function glue({ name, ip4, ip6 }: LabHost): string[] {
  return [`${name}. 86400 IN A ${ip4}`, `${name}. 86400 IN AAAA ${ip6}`]
}
