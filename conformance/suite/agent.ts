import packageJson from '../../package.json' with { type: 'json' }

export const SUITE_NAME = 'nodetrust-conformance'
export const SUITE_VERSION: string = packageJson.version

/**
 * Who is asking, for those who look into their logs: libp2p's agentVersion (`nodeInfo.userAgent`) of all nodes of the
 * suite, and the User-Agent of its HTTP requests.
 */
export const AGENT = `${SUITE_NAME}/${SUITE_VERSION}`

/** How the command is called where this runs: in a checkout there is no package yet. */
export const COMMAND = import.meta.filename.endsWith('.ts')
  ? 'npm run --silent conformance --'
  : `npx ${SUITE_NAME}`
