// Draws a run as a sequence diagram: lifelines from left to right, time downwards, a line for each thing that happened.
// Only the lines in sight are in the document, so that a run of many thousands opens at once.
import { DATA_ID, KINDS, type Kind, type SequenceData } from './data.ts'
import { openDetail } from './detail.ts'
import { openDiagram } from './diagram.ts'
import { foldableRoles, lanesOf } from './lanes.ts'
import { linesOf, type Filter } from './lines.ts'
import { openOverview } from './overview.ts'
import { find } from './find.ts'

const data = JSON.parse(find(`#${DATA_ID}`).textContent) as SequenceData
const filters = find<HTMLFormElement>('.filters')
const search = find<HTMLInputElement>('.filters input[type=search]')

const openRoles = new Set<string>()
const unfolded = new Set<number>()
const hosts = new Set<number>()

const detail = openDetail(data)
const diagram = openDiagram(data, {
  onLine(line) {
    if (line.rows.length === 1) return detail.show(line.first)
    unfolded.add(line.first)
    update()
  },
  onLane({ hosts: chosen }) {
    for (const host of chosen) {
      if (hosts.has(host)) hosts.delete(host)
      else hosts.add(host)
    }
    update()
  },
  onRole(role) {
    if (openRoles.has(role)) openRoles.delete(role)
    else openRoles.add(role)
    update()
  },
  onSeen: (fromMs, toMs) => overview.showSeen(fromMs, toMs),
})
const overview = openOverview(data, (atMs) => diagram.goTo(atMs))

function chosen(name: string): readonly string[] {
  return [...filters.querySelectorAll<HTMLInputElement>(`input[name=${name}]:checked`)].map(
    ({ value }) => value,
  )
}

function filter(): Filter {
  const show = chosen('show')
  return {
    kinds: new Set(chosen('kind').filter((kind): kind is Kind => KINDS.includes(kind as Kind))),
    everything: show.includes('everything'),
    badOnly: show.includes('failures'),
    fold: show.includes('fold'),
    words: search.value.toLowerCase().split(/\s+/).filter(Boolean),
    hosts,
  }
}

function update(): void {
  const lanes = lanesOf(data, openRoles)
  const lines = linesOf(data, filter(), unfolded)
  diagram.show({ lanes, lines, foldable: foldableRoles(data), openRoles, chosenHosts: hosts })
  const events = lines.reduce((sum, { rows }) => sum + rows.length, 0)
  find('.filters .shown').textContent =
    `${events} of ${data.rows.length} events${lines.length < events ? `, ${lines.length} lines` : ''}`
  find('.sequence .empty').hidden = lines.length > 0
}

filters.hidden = false
filters.addEventListener('input', (event) => {
  // What was unfolded by hand is another line after the filter has changed.
  if (event.target instanceof HTMLInputElement && event.target.value === 'fold') unfolded.clear()
  update()
})
filters.addEventListener('submit', (event) => event.preventDefault())
for (const button of document.querySelectorAll<HTMLButtonElement>('button.copy')) {
  button.hidden = false
  button.addEventListener('click', () => {
    const { copy = '' } = button.dataset
    void navigator.clipboard.writeText(copy).then(() => (button.textContent = 'copied'))
  })
}
update()
