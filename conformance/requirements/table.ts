import type { Requirement } from './requirements.ts'

/** Families of ids, as headings. */
const FAMILIES: Readonly<Record<string, string>> = {
  WIRE: 'Frames and streams',
  PROOF: 'The proof server',
  ISSUE: 'The issue server',
  DNS: 'The DNS server',
  DNS01: 'Setting challenges',
  CLIENT: 'The client',
  DISC: 'Discovery',
}

/** The document that lists all requirements, as Markdown. */
export function requirementsDocument(requirements: readonly Requirement[]): string {
  const families = Map.groupBy(requirements, ({ id }) => id.split('-')[1] ?? '')
  const decisions = requirements.filter(({ decision }) => decision).length
  const parts = [
    '# Requirements',
    '',
    '<!-- Written by `npm run generate` from conformance/requirements/*.json; change those. -->',
    '',
    `What an implementation of Nodetrust has to do: ${requirements.length} requirements, ${countOf(requirements, 'MUST')} of them MUST, ${countOf(requirements, 'SHOULD')} SHOULD and ${countOf(requirements, 'MAY')} MAY. Ids are permanent. ${decisions} decide what the original of 2018 leaves open, contradicts itself in, or has a hole at: a † marks them, and the reason follows the dash. A ‡ marks those that no check can see from outside.`,
  ]
  for (const [family, rows] of families) {
    parts.push('', `## ${FAMILIES[family] ?? family}`, '')
    parts.push('| id | level | requirement | source |', '|---|---|---|---|', ...rows.map(rowOf))
  }
  return `${parts.join('\n')}\n`
}

function rowOf(requirement: Requirement): string {
  const { id, level, title, sentence, why, source, decision, unchecked } = requirement
  const marks = `${decision ? '†' : ''}${unchecked === undefined ? '' : '‡'}`
  const notes = [
    ...(why === undefined ? [] : [` — *${why.replace(/\.$/, '')}.*`]),
    ...(unchecked === undefined ? [] : [` ‡ ${unchecked}.`]),
  ]
  const text = `**${title}.** ${sentence}${notes.join('')}`
  return `| ${id}${marks} | ${level} | ${text} | ${source.join(', ')} |`
}

function countOf(requirements: readonly Requirement[], level: Requirement['level']): number {
  return requirements.filter((requirement) => requirement.level === level).length
}
