// The report to show around: one file, which opens without a network and compares targets side by side.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Level, Verdict } from '../suite/case.ts'
import { LEVELS } from '../suite/selection.ts'
import { ROLES } from '../suite/selectors.ts'
import { VERDICTS } from '../suite/verdicts.ts'
import { counted } from '../suite/words.ts'
import { compare, type ComparedRequirement } from './compare.ts'
import { requirementHtml } from './html-requirement.ts'
import { targetCard } from './html-target.ts'
import { documentText } from '../../scenarios/engine/markup/document.ts'
import { html, type Html } from '../../scenarios/engine/markup/html-text.ts'
import type { RunReport } from './report.ts'

/** More are opened by hand: a page of failures begins with an overview. */
const OPEN_MAX = 8

export function htmlText(reports: readonly RunReport[]): string {
  const requirements = compare(reports)
  const failed = requirements.filter(({ verdicts }) => verdicts.includes('fail')).length
  const open = failed <= OPEN_MAX
  const present = <T extends string>(all: readonly T[], key: 'role' | 'level'): readonly T[] =>
    all.filter((one) => requirements.some(({ cases }) => cases.some((row) => row[key] === one)))
  const roles = present(ROLES, 'role')
  const names = reports.map(({ target }) => target.name)
  const body = html`<header class="page">
      <h1>Nodetrust conformance</h1>
      <p>${subtitle(reports)}</p>
    </header>
    <main>
      <section class="targets" aria-label="Targets">${reports.map(targetCard)}</section>
      ${filterForm(roles, present(LEVELS, 'level'), reports)}
      ${roles.map((role) =>
        roleHtml(
          role,
          requirements.filter((one) => one.role === role),
          { names, open },
        ),
      )}
      <p class="empty" hidden>No check fits these filters.</p>
    </main>
    <footer>
      Written by ${suites(reports)}. Requirements are named by permanent ids; each check can be done
      again by hand.
    </footer>`
  return documentText({
    title: `Nodetrust conformance: ${names.join(', ')}`,
    style: pageFile('style.css'),
    body,
    bodyStyle: `--targets: ${reports.length}${reports.length > 3 ? '; --column: 4.6rem' : ''}`,
    script: pageFile('script.js'),
  })
}

function subtitle(reports: readonly RunReport[]): string {
  const checks = new Set(reports.flatMap(({ results }) => results.map(({ id }) => id))).size
  const kinds = new Set(reports.flatMap(({ results }) => results.map((one) => one.requirement)))
  return `${counted(checks, 'check')} of ${counted(kinds.size, 'requirement')}, ${counted(reports.length, 'target')}`
}

function suites(reports: readonly RunReport[]): string {
  return [...new Set(reports.map(({ suite }) => `${suite.name} ${suite.version}`))].join(', ')
}

function filterForm(
  roles: readonly string[],
  levels: readonly Level[],
  reports: readonly RunReport[],
): Html {
  const verdicts = VERDICTS.filter((verdict) =>
    reports.some(({ results }) => results.some((one) => one.verdict === verdict)),
  )
  const chip = (name: string, value: string, tone = ''): Html =>
    html`<label class="chip ${tone}"
      ><input type="checkbox" name="${name}" value="${value}" />${value}</label
    >`
  // One alone filters nothing.
  const set = (name: string, values: readonly string[], toned = false): Html | undefined =>
    values.length < 2
      ? undefined
      : html`<fieldset>
          <legend>${name}</legend>
          ${values.map((value) => chip(name, value, toned ? value : ''))}
        </fieldset>`
  return html`<form class="filters" hidden>
    ${set('verdict', verdicts, true)} ${set('level', levels)} ${set('role', roles)}
    <input type="search" placeholder="Search ids and titles" aria-label="Search ids and titles" />
    <output class="shown"></output>
  </form>`
}

function roleHtml(
  role: string,
  requirements: readonly ComparedRequirement[],
  { names, open }: { readonly names: readonly string[]; readonly open: boolean },
): Html {
  const checks = requirements.reduce((sum, { cases }) => sum + cases.length, 0)
  const head =
    names.length === 1
      ? undefined
      : html`<div class="row head">
          <span class="id"></span><span class="title"></span>${names.map(
            (name) => html`<span class="name" title="${name}">${name}</span>`,
          )}
        </div>`
  return html`<section class="role">
    <h2>
      ${ROLE_NAMES[role] ?? role}
      <small>${counted(requirements.length, 'requirement')}, ${counted(checks, 'check')}</small>
    </h2>
    <div class="sheet">
      ${head}
      ${requirements.map((one) => requirementHtml(one, { names, open: open && opens(one.verdicts) }))}
    </div>
  </section>`
}

function opens(verdicts: readonly Verdict[]): boolean {
  return verdicts.includes('fail')
}

const ROLE_NAMES: Readonly<Record<string, string>> = {
  proof: 'Proof server',
  issue: 'Issue server',
  dns: 'DNS server',
  dns01: 'Setting challenges (dns-01)',
  discovery: 'Discovery',
  client: 'Client',
}

function pageFile(name: string): string {
  return readFileSync(join(import.meta.dirname, 'page', name), 'utf8')
}
