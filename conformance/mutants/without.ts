/** Why a MUST that checks see has no mutant, by its id. */
export const WITHOUT_MUTANT: Readonly<Record<string, string>> = {
  'NT-ISSUE-028':
    'its mutant would answer after more than 120 s, for each order that fails; one that never answers is failures-unanswered',
  'NT-DISC-010': 'gossipsub gives nobody their own messages, whatever its user does',
}
