import { isTestHost } from '../../scenarios/engine/ca/index.ts'
import { UsageError } from '../suite/problems.ts'

/**
 * Checks have dozens of certificates made; a public CA publishes each name, and gives 50 a week.
 *
 * @param urls of ACME directories
 * @throws {UsageError} where one may be a production CA's, and was not named
 */
export function refuseProductionCa(
  urls: readonly (string | undefined)[],
  { acmeProduction: named }: { readonly acmeProduction?: string },
): void {
  const hosts = urls
    // What is no URL is a mistake of another kind.
    .filter((url) => url !== undefined && URL.canParse(url))
    .map((url) => new URL(url ?? '').hostname.replace(/^\[|\]$/g, ''))
  const host = hosts.find((one) => one !== named && !isTestHost(one))
  if (host === undefined) return
  throw new UsageError(
    `the issue server's CA "${host}" may be a production CA: checks have dozens of certificates made, so let it use a staging or private one, or give --acme-production ${host}`,
  )
}
